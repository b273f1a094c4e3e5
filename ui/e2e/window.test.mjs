// The desktop's page in a real browser, with a scripted shell behind it: dialogs, menus, keys, and a
// list of 10,000. The real window with the real shell is driven in tests/it/window.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { launch, pressIn } from "./chromium.mjs";
import { FILES, row, serve, shell } from "./desk.mjs";

const rows = (count) => Array.from({ length: count }, (_, at) => row(at));
/** Where the rows of `row` stand. */
const [DOWNLOADING, , COMPLETED, FAILED] = [0, 1, 2, 3];

let site;
let browser;
let page;
let complaints;

beforeAll(async () => {
  site = await serve();
  browser = await launch();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  site?.stop();
});
afterEach(async () => {
  await page?.close();
  expect(complaints).toEqual([]);
});

async function open(count, options = {}) {
  complaints = [];
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.addInitScript(shell, { rows: rows(count), files: FILES, server: { state: "online" } });
  await page.goto(site.url);
  await page.locator("[data-testid=server-state][data-state=online]").waitFor();
}

const line = (at) => page.locator("[data-testid=download-row]").nth(at);
/** What the page asked of the shell by that name. */
const called = (name) => page.evaluate(
  (wanted) => window.desk.calls.filter((call) => call.name === wanted).map((call) => call.args), name,
);
const idOf = (at) => row(at).id;
/** The row that has the focus. */
const focused = () => page.evaluate(() => document.activeElement?.getAttribute("data-id"));

test("the catalogue's boxes gather several files, and one click takes one", { timeout: 60_000 }, async () => {
  await open(1);
  await page.getByTestId("add-button").click();
  await page.getByTestId("add-field").fill("70000");
  await page.getByRole("checkbox", { name: "Pick plans.pdf" }).click();
  await page.getByRole("checkbox", { name: "Pick Q3 export.zip" }).click();
  // The id and the box name the same file: it is taken once.
  await page.getByRole("button", { name: "Start 2" }).click();
  const plans = { kind: "file", fileId: 70_003, name: "plans.pdf" };
  expect(await called("add")).toEqual([{ items: [{ kind: "file", fileId: 70_000 }, plans] }]);
  await page.getByTestId("add-button").click();
  await page.getByTestId("catalogue-search").press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  expect((await called("add")).at(-1)).toEqual({ items: [{ kind: "file", fileId: 70_001, name: "footage-04.mov" }] });
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("what is pasted into the window opens the dialog with it", { timeout: 60_000 }, async () => {
  await open(1);
  await page.evaluate(() => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", "70005\nhttps://example.org/a.zip");
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  });
  await page.getByRole("dialog").getByText("2 understood").waitFor();
  await page.keyboard.press("Enter");
  const url = { kind: "url", url: "https://example.org/a.zip" };
  expect(await called("add")).toEqual([{ items: [{ kind: "file", fileId: 70_005 }, url] }]);
});

test("a removal is done at once, and undone by its button or by Ctrl+Z", { timeout: 60_000 }, async () => {
  await open(9);
  await pressIn(line(DOWNLOADING), "remove");
  await expect.poll(() => called("remove")).toEqual([{ ids: [idOf(DOWNLOADING)], withFile: false }]);
  await page.getByTestId("undo").click();
  await expect.poll(() => called("restore")).toEqual([{ ids: [idOf(DOWNLOADING)] }]);
  await page.locator(`[data-id="${idOf(DOWNLOADING)}"]`).waitFor();
  await page.getByTestId("toast").waitFor({ state: "detached" });
  await pressIn(page.locator(`[data-id="${idOf(COMPLETED)}"]`), "remove");
  await page.getByTestId("toast").waitFor();
  await page.keyboard.press("Control+z");
  await expect.poll(async () => (await called("restore")).at(-1)).toEqual({ ids: [idOf(COMPLETED)] });
});

test("whichever way a row is removed, the keys go on from the one beside; kept, from the row itself", { timeout: 120_000 }, async () => {
  const held = async (remove, at) => {
    await open(9);
    // The shell takes its time: the row is there for a while.
    await page.evaluate(() => { window.desk.holds.push("remove"); });
    await remove();
    await expect.poll(focused).toBe(idOf(at));
    await page.evaluate(() => { window.desk.release(); });
    await page.evaluate(() => new Promise((done) => { setTimeout(done, 500); }));
    expect(await focused()).toBe(idOf(at));
    await page.close();
  };
  const inMenu = async (at, action) => {
    await line(at).click({ button: "right" });
    await page.getByTestId(`menu-action-${action}`).click();
  };
  const yes = () => page.getByTestId("confirm-yes").click();
  await held(() => pressIn(line(4), "remove"), 5);
  await held(() => inMenu(8, "remove"), 7);
  await held(() => inMenu(COMPLETED, "removeWithFile").then(yes), COMPLETED + 1);
  await held(async () => {
    await line(4).click();
    await page.keyboard.press("Control+k");
    await page.getByTestId("deed-remove").click();
  }, 5);
  await held(async () => {
    await line(FAILED).click();
    await pressIn(line(DOWNLOADING), "cancel");
    await page.getByTestId("confirm").waitFor();
    await page.keyboard.press("Escape");
  }, DOWNLOADING);
  await held(() => pressIn(line(DOWNLOADING), "cancel").then(yes), DOWNLOADING);
});

test("rows are picked with Ctrl and Shift, and acted on together", { timeout: 60_000 }, async () => {
  await open(30);
  await line(0).click();
  await line(4).click({ modifiers: ["Shift"] });
  await line(2).click({ modifiers: ["Control"] });
  const picked = () => page.locator("[data-testid=download-row][aria-selected=true]").count();
  expect(await picked()).toBe(4);
  // Downloading, preparing, failed, verifying: three can be paused.
  await line(1).click({ button: "right" });
  await page.getByTestId("menu-action-pause").click();
  expect(await called("pause")).toEqual([{ ids: [0, 1, 4].map(idOf) }]);
  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Control+a");
  await expect.poll(picked).toBeGreaterThan(10);
  await page.keyboard.press("Delete");
  await expect.poll(async () => (await called("remove"))[0]?.ids.length).toBe(30);
  await page.getByText("Removed: 30 downloads").waitFor();
});

test("a column sorts by a click on its head, changes its width by keys, and is hidden", { timeout: 60_000 }, async () => {
  await open(9);
  await page.getByTestId("sort-name").click();
  const first = () => line(0).getAttribute("aria-label");
  await expect.poll(first).toMatch(/^a very long name/u);
  await page.getByTestId("sort-name").click();
  await expect.poll(first).not.toMatch(/^a very/u);
  await expect.poll(() => page.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort")).toBe("descending");
  const width = () => page.getByTestId("sort-size").evaluate((it) => it.parentElement.getBoundingClientRect().width);
  const before = await width();
  await page.getByRole("separator", { name: "Width of Size" }).press("ArrowLeft");
  await expect.poll(width).toBe(before + 16);
  await page.getByTestId("list-head").click({ button: "right", position: { x: 40, y: 10 } });
  await page.getByRole("menuitemcheckbox", { name: "Source" }).click();
  await page.keyboard.press("Escape");
  await page.getByTestId("sort-source").waitFor();
  await page.reload();
  // As it was left.
  await page.getByTestId("sort-source").waitFor();
  await expect.poll(width).toBe(before + 16);
});

test("the sidebar narrows by kind and by time, and widens again", { timeout: 60_000 }, async () => {
  await open(60);
  const rows = page.getByRole("grid");
  const count = async () => Number(await rows.getAttribute("aria-rowcount")) - 1;
  const videos = page.getByRole("button", { name: /^Video/u });
  const said = Number((await videos.innerText()).match(/\d+/u)[0]);
  await videos.click();
  await expect.poll(count).toBe(said);
  await videos.click();
  await expect.poll(count).toBe(60);
  await page.getByRole("button", { name: /^Today/u }).click();
  await expect.poll(count).toBeLessThan(60);
});

test("Escape empties the search, and leaves it when it is empty", { timeout: 60_000 }, async () => {
  await open(9);
  const search = page.getByRole("searchbox");
  await page.keyboard.press("Control+f");
  await page.keyboard.type("footage");
  await expect.poll(() => line(1).count()).toBe(0);
  await page.keyboard.press("Escape");
  expect(await search.inputValue()).toBe("");
  expect(await search.evaluate((it) => it === document.activeElement)).toBe(true);
  await line(8).waitFor();
  await page.keyboard.press("Escape");
  expect(await search.evaluate((it) => it === document.activeElement)).toBe(false);
});

test("the graph of a download's speed goes on while it stalls", { timeout: 60_000 }, async () => {
  await open(9);
  await line(DOWNLOADING).click();
  const graph = page.getByRole("img", { name: "Its speed over the last minute" });
  const points = () => graph.locator("polyline").evaluate((it) => it.getAttribute("points").split(" ").filter(Boolean).length);
  await expect.poll(points, { timeout: 10_000 }).toBeGreaterThan(0);
  await page.evaluate(() => { window.desk.tell([{ ...window.desk.rows[0], revision: 2, speed: null }]); });
  await page.getByRole("region", { name: "Details" }).getByText("0 B/s").waitFor();
  const before = await points();
  await expect.poll(points, { timeout: 10_000 }).toBeGreaterThan(before);
});

test("every command is found by its name, and done", { timeout: 60_000 }, async () => {
  await open(9);
  await line(DOWNLOADING).click();
  await page.keyboard.press("Control+k");
  await page.getByTestId("palette-field").fill("pause");
  await page.getByTestId("deed-pause").waitFor();
  await page.keyboard.press("Enter");
  expect(await called("pause")).toEqual([{ ids: [idOf(DOWNLOADING)] }]);
  await page.keyboard.press("Control+k");
  await page.getByTestId("palette-field").fill("settings");
  await page.getByTestId("deed-settings").click();
  await page.getByText("Save to", { exact: true }).waitFor();
});

test("rows change places in the queue by keys and by dragging", { timeout: 60_000 }, async () => {
  await open(27);
  await page.getByRole("button", { name: "Order", exact: true }).click();
  await page.getByRole("menuitemradio", { name: "As in the queue" }).click();
  const ids = () => page.locator("[data-testid=download-row]").evaluateAll((all) => all.map((it) => it.dataset.id));
  // The oldest is first in the queue; what has ended has no place in it.
  const queue = await page.evaluate(() => window.desk.rows.filter((row) => !row.endedAt)
    .sort((a, b) => a.place - b.place).map((row) => row.id));
  await expect.poll(async () => (await ids()).includes(queue[1])).toBe(true);
  await page.locator(`[data-id="${queue[1]}"]`).click();
  await page.keyboard.press("Alt+ArrowUp");
  expect(await called("place")).toEqual([{ ids: [queue[1]], place: { at: "before", id: queue[0] } }]);
  await page.keyboard.press("Alt+End");
  expect((await called("place")).at(-1)).toEqual({ ids: [queue[1]], place: { at: "last" } });
  const drag = (from, to, y) => page.locator(`[data-id="${from}"]`).dragTo(page.locator(`[data-id="${to}"]`), { targetPosition: { x: 90, y } });
  await drag(queue[3], queue[0], 5);
  await expect.poll(async () => (await called("place")).at(-1))
    .toEqual({ ids: [queue[3]], place: { at: "before", id: queue[0] } });
  // Below the middle of a row is below the row.
  await drag(queue[2], queue[0], 45);
  await expect.poll(async () => (await called("place")).at(-1))
    .toEqual({ ids: [queue[2]], place: { at: "before", id: queue[1] } });
  const places = (await called("place")).length;
  const ended = await page.locator("[data-testid=download-row][data-state=completed]").first().getAttribute("data-id");
  await drag(queue[2], ended, 5);
  expect((await called("place")).length).toBe(places);
  // The line stands where the row would come to stand; Escape takes all of it back, and so does the head.
  const middle = async (id) => {
    const { x, y, width, height } = await page.locator(`[data-id="${id}"]`).boundingBox();
    return [x + width / 3, y + height / 2];
  };
  const lines = () => page.locator("[data-drop]").evaluateAll((all) => (
    all.map((it) => [it.dataset.drop, it.firstElementChild.dataset.id])
  ));
  await page.mouse.move(...await middle(queue[2]));
  await page.mouse.down();
  const [x, y] = await middle(queue[0]);
  const head = await page.getByTestId("list-head").boundingBox();
  // What is entered is over it only with the next move.
  const over = async (to) => {
    await page.mouse.move(x, to, { steps: 5 });
    await page.mouse.move(x, to + 1);
  };
  await over(y + 15);
  await expect.poll(lines).toEqual([["above", queue[1]]]);
  await over(head.y + 8);
  await expect.poll(lines).toEqual([]);
  await over(y - 15);
  await expect.poll(lines).toEqual([["above", queue[0]]]);
  await page.keyboard.press("Escape");
  await page.mouse.up();
  await expect.poll(lines).toEqual([]);
  expect((await called("place")).length).toBe(places);
  // What is dragged within the list is nothing to add.
  expect(await page.getByRole("dialog").count()).toBe(0);
});

test("one download gets a limit of its own", { timeout: 60_000 }, async () => {
  await open(9);
  await line(DOWNLOADING).click({ button: "right" });
  await page.getByTestId("menu-action-limitSpeed").click();
  await page.getByTestId("limit-field").fill("2,5");
  await page.keyboard.press("Enter");
  await expect.poll(() => called("limit")).toEqual([{ ids: [idOf(DOWNLOADING)], limit: 2_500_000 }]);
});

test("a row has its buttons for who is at it, and always where it is in trouble", { timeout: 60_000 }, async () => {
  await open(9);
  const buttons = (at) => line(at).getByRole("button");
  await line(FAILED).getByTestId("row-action-retry").waitFor();
  expect(await buttons(COMPLETED).count()).toBe(0);
  await line(COMPLETED).hover();
  await line(COMPLETED).getByTestId("row-action-open").hover();
  await page.getByRole("tooltip", { name: "Open" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("tooltip").waitFor({ state: "detached" });
  await line(FAILED).hover();
  await expect.poll(() => buttons(COMPLETED).count()).toBe(0);
  // By the keys: the row, then its buttons, whose names are seen at once.
  await line(DOWNLOADING).focus();
  await page.keyboard.press("Tab");
  await page.getByRole("tooltip", { name: "Pause" }).waitFor();
  await page.keyboard.press("Enter");
  expect(await called("pause")).toEqual([{ ids: [idOf(DOWNLOADING)] }]);
  await page.getByRole("searchbox").focus();
  await expect.poll(() => buttons(DOWNLOADING).count()).toBe(0);
  // What comes under the pointer, as the row that was there goes, has them too.
  await line(0).hover();
  await page.evaluate((id) => { window.desk.tell([], [id]); }, idOf(0));
  await page.locator(`[data-id="${idOf(0)}"]`).waitFor({ state: "detached" });
  await line(0).hover();
  await line(0).getByRole("button").first().waitFor();
});

test("the row's menu offers to delete a finished file, and asks", { timeout: 60_000 }, async () => {
  await open(9);
  await line(COMPLETED).click({ button: "right" });
  await page.getByTestId("menu-action-removeWithFile").click();
  await page.getByTestId("confirm-yes").click();
  await expect.poll(() => called("remove")).toEqual([{ ids: [idOf(COMPLETED)], withFile: true }]);
  // Nothing of the menu or the dialog is left in the way.
  await pressIn(line(FAILED - 1), "retry");
  expect(await called("retry")).toEqual([{ ids: [idOf(FAILED)] }]);
});

test("a click beside a menu closes it and does nothing else; Escape gives the focus back to the row", { timeout: 60_000 }, async () => {
  await open(9);
  await line(COMPLETED).click({ button: "right" });
  await page.getByTestId("menu-action-open").waitFor();
  const settings = await page.getByTestId("settings-button").boundingBox();
  await page.mouse.click(settings.x + 5, settings.y + 5);
  await page.getByRole("menu").waitFor({ state: "detached" });
  await expect.poll(focused).toBe(idOf(COMPLETED));
  expect(await page.getByRole("dialog").count()).toBe(0);
  await line(FAILED).click({ button: "right" });
  await page.getByTestId("menu-action-retry").waitFor();
  await page.keyboard.press("Escape");
  await expect.poll(focused).toBe(idOf(FAILED));
});

test("the list is worked by keys alone", { timeout: 60_000 }, async () => {
  await open(9);
  await page.keyboard.press("ArrowDown");
  await expect.poll(focused).toBe(idOf(0));
  await page.keyboard.press(" ");
  expect(await called("pause")).toEqual([{ ids: [idOf(0)] }]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect.poll(focused).toBe(idOf(COMPLETED));
  await page.keyboard.press("Enter");
  expect(await called("open")).toEqual([{ ids: [idOf(COMPLETED)] }]);
  await page.keyboard.press("Shift+Delete");
  await page.getByTestId("confirm").waitFor();
  await page.keyboard.press("Enter");
  await page.getByTestId("confirm").waitFor({ state: "detached" });
  expect(await called("remove"), "the safe button has the focus").toEqual([]);
});

test("a setting that cannot be is told and not saved", { timeout: 60_000 }, async () => {
  await open(1);
  await page.keyboard.press("Control+,");
  const field = page.getByLabel("Downloads at a time");
  await field.fill("65");
  await page.getByText("A whole number from 1 to 64.").waitFor();
  await field.press("Enter");
  expect(await called("setSettings")).toEqual([]);
  // Escape is the field's, and then the dialog's.
  await field.press("Escape");
  expect(await field.inputValue()).toBe("4");
  await field.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("Control+,");
  await field.fill("8");
  await field.press("Enter");
  await page.getByLabel("Speed limit in MB/s").fill("2,5");
  await page.getByRole("switch", { name: "Tell me when a file is here" }).click();
  const set = { concurrent: 8, limit: 2_500_000, notify: false };
  await expect.poll(async () => (await called("setSettings")).at(-1)).toMatchObject(set);
});

test("what concerns this computer is set at once", { timeout: 60_000 }, async () => {
  await open(1);
  await page.keyboard.press("Control+,");
  await page.getByRole("switch", { name: "Closing the window keeps it in the tray" }).click();
  await expect.poll(async () => (await called("setSettings")).at(-1)).toMatchObject({ closeToTray: true });
  await page.getByRole("switch", { name: "Start with the system" }).click();
  await expect.poll(() => called("setAutostart")).toEqual([true]);
  // What one part of the dialog set, another does not undo.
  await page.getByRole("radio", { name: "The server" }).click();
  await expect.poll(async () => (await called("setSettings")).at(-1)).toMatchObject({ closeToTray: true, urls: "server" });
  await page.getByRole("button", { name: "Open logs" }).click();
  await expect.poll(() => called("openLogs")).toEqual([null]);
  await page.getByRole("button", { name: "Save to a file…" }).click();
  await page.getByText("Saved to /home/ada/longhaul.json").waitFor();
  await page.getByRole("button", { name: "Take in a file…" }).click();
  await page.getByText("2 added, 5 left out").waitFor();
});

test("a server is added with its token, chosen from, and removed; a wrong token is told", { timeout: 60_000 }, async () => {
  await open(1);
  await page.keyboard.press("Control+,");
  await page.getByTestId("server-add").click();
  await page.getByTestId("server-address").fill("http://jobs.example/");
  await page.getByTestId("server-name").fill("Archive");
  await page.getByTestId("server-token").fill("wrong");
  await page.getByText("Without https, the token can be read on the way.").waitFor();
  await page.getByTestId("server-address").fill("https://jobs.example/");
  await page.getByText("Without https, the token can be read on the way.").waitFor({ state: "detached" });
  await page.getByTestId("server-save").click();
  await page.getByText("The server wants a valid token.").waitFor();
  await page.getByTestId("server-token").fill("right");
  await page.getByTestId("server-token").press("Enter");
  await page.getByTestId("server-line").filter({ hasText: "Archive" }).waitFor();
  expect((await called("putServer")).at(-1)).toEqual({
    id: null, name: "Archive", address: "https://jobs.example/", token: "right",
  });
  // Its name changes, and its token stays as it is.
  await page.getByRole("button", { name: "Change Archive" }).click();
  await page.getByTestId("server-name").fill("Old archive");
  await page.getByTestId("server-save").click();
  await page.getByTestId("server-line").filter({ hasText: "Old archive" }).waitFor();
  expect((await called("putServer")).at(-1)).toEqual({
    id: "server-1", name: "Old archive", address: "https://jobs.example/", token: null,
  });
  await page.keyboard.press("Escape");
  await page.getByTestId("added-server").filter({ hasText: "Old archive" }).waitFor();

  await page.keyboard.press("Control+n");
  await page.getByTestId("server-choice").selectOption("Old archive");
  await expect.poll(async () => (await called("files")).at(-1)?.server).toBe("server-1");
  await page.getByTestId("catalogue-item").first().click();
  expect((await called("add")).at(-1)).toMatchObject({ server: "server-1" });

  await page.keyboard.press("Control+,");
  await page.getByRole("button", { name: "Remove Old archive" }).click();
  await page.getByTestId("server-line").nth(1).waitFor({ state: "detached" });
  expect(await called("removeServer")).toEqual([{ id: "server-1" }]);
});

test("hours of rest and folders by kind are set, and shown as they hold", { timeout: 60_000 }, async () => {
  await open(1);
  await page.keyboard.press("Control+,");
  await page.getByRole("switch", { name: "Slower or at rest by the clock" }).click();
  await page.getByRole("button", { name: "Saturday" }).click();
  await page.getByLabel("from", { exact: true }).fill("22:30");
  const limit = page.getByLabel("In these hours, MB/s at most");
  await limit.fill("0");
  await limit.press("Enter");
  await expect.poll(async () => (await called("setSettings")).at(-1)?.timetable).toEqual({
    days: [true, true, true, true, true, true, false], from: 22 * 60 + 30, to: 17 * 60, limit: null,
  });
  await page.getByTestId("rule-endings").fill("ZIP, .rar");
  await page.getByRole("button", { name: "Choose their folder…" }).click();
  await page.getByTestId("folder-rule").getByText("/mnt/archive").waitFor();
  expect((await called("setSettings")).at(-1).folders).toEqual([{ endings: ["zip", "rar"], folder: "/mnt/archive" }]);
  await page.getByRole("button", { name: "No rule for zip, rar" }).click();
  await page.getByTestId("folder-rule").waitFor({ state: "detached" });
});

test("a link of another program fills the dialog, and nothing starts by itself", { timeout: 60_000 }, async () => {
  await open(1);
  await page.evaluate(() => { window.desk.give("https://example.org/a.zip", "70005"); });
  await page.getByRole("dialog").getByText("2 understood").waitFor();
  expect(await called("add")).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(await called("add")).toEqual([]);
});

test("links come behind what is typed, and Enter in the field adds none of another program", { timeout: 60_000 }, async () => {
  await open(1);
  await page.keyboard.press("Control+n");
  const field = page.getByTestId("add-field");
  await field.fill("70006");
  await page.evaluate(() => { window.desk.give("https://example.org/a.zip"); });
  await page.getByText("Given by another program").waitFor();
  expect(await field.inputValue()).toBe("70006\nhttps://example.org/a.zip");
  await field.press("Enter");
  expect(await called("add")).toEqual([]);
  expect(await page.evaluate(() => document.activeElement?.dataset.testid)).toBe("add-confirm");
  await page.keyboard.press("Enter");
  await expect.poll(async () => (await called("add"))[0]?.items.length).toBe(2);
  await page.getByRole("dialog").waitFor({ state: "detached" });
  // A key that is held down is no yes either, nor one that was meant for what stood there before.
  await page.keyboard.press("Control+n");
  await field.pressSequentially("7000");
  await page.evaluate(() => { window.desk.give("https://example.org/c.zip"); });
  await page.getByText("Given by another program").waitFor();
  await page.keyboard.type("7");
  expect(await field.inputValue()).toBe("70007\nhttps://example.org/c.zip");
  for (let at = 0; at < 4; at += 1) await page.keyboard.down("Enter");
  await page.keyboard.up("Enter");
  expect(await page.evaluate(() => document.activeElement?.dataset.testid)).toBe("add-confirm");
  await page.evaluate(() => { window.desk.give("https://example.org/d.zip"); });
  await expect.poll(() => page.evaluate(() => document.activeElement?.dataset.testid)).toBe("add-field");
  expect((await called("add")).length).toBe(1);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  // Behind another dialog it waits until that is closed.
  await page.keyboard.press("Control+,");
  await page.getByRole("dialog", { name: "Settings" }).waitFor();
  await page.evaluate(() => { window.desk.give("https://example.org/b.zip"); });
  expect(await page.getByTestId("add-field").count()).toBe(0);
  await page.keyboard.press("Escape");
  await expect.poll(() => field.inputValue()).toBe("https://example.org/b.zip");
});

test("what cannot be added is said in the dialog, which keeps what was typed", { timeout: 60_000 }, async () => {
  await open(1);
  await page.keyboard.press("Control+n");
  const field = page.getByTestId("add-field");
  await field.fill("https://me:secret@example.org/a.zip");
  await page.getByText("holds a password").waitFor();
  expect(await page.getByTestId("add-confirm").isDisabled()).toBe(true);
  await field.fill(Array.from({ length: 10_001 }, (_, at) => at + 1).join(" "));
  await page.getByText("more than 10000").or(page.getByText("more than 10,000")).waitFor();
  expect(await page.getByTestId("add-confirm").isDisabled()).toBe(true);
  await field.fill("70006");
  await page.evaluate(() => { window.desk.refuses = { add: { code: "list", message: "the disk is full" } }; });
  complaints = [];
  await page.getByTestId("add-confirm").click();
  await page.getByTestId("add-problem").waitFor();
  expect(await field.inputValue()).toBe("70006");
  await page.evaluate(() => { window.desk.refuses = {}; });
  await page.getByTestId("add-confirm").click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("while an addition is under way, what comes is kept for the next, and a closed dialog's failure is told", { timeout: 60_000 }, async () => {
  await open(1);
  await page.evaluate(() => { window.desk.holds = ["add"]; });
  await page.keyboard.press("Control+n");
  const field = page.getByTestId("add-field");
  await field.fill("70006");
  await field.press("Enter");
  await expect.poll(() => page.getByTestId("add-confirm").getAttribute("aria-busy")).toBe("true");
  await page.evaluate(() => { window.desk.give("https://example.org/late.zip"); });
  await expect.poll(() => field.inputValue()).toContain("late");
  await page.evaluate(() => { window.desk.release(); });
  await expect.poll(() => field.inputValue()).toBe("https://example.org/late.zip");
  await page.evaluate(() => {
    window.desk.holds = ["add"];
    window.desk.refuses = { add: { code: "list", message: "the disk is full" } };
  });
  await page.getByTestId("add-confirm").click();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.evaluate(() => { window.desk.release(); });
  await page.getByRole("alert").getByText("The disk is full").waitFor();
});

test("a file that is dropped on the field is read, and one that is no list is refused beside it", { timeout: 60_000 }, async () => {
  await open(1);
  await page.keyboard.press("Control+n");
  const field = page.getByTestId("add-field");
  const drop = (name, text) => field.evaluate((target, [name, text]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], name));
    target.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  }, [name, text]);
  await field.fill("70006");
  await drop("list.txt", "70007\n70008\n");
  await expect.poll(() => field.inputValue()).toBe("70006\n70007\n70008");
  await drop("large.txt", "7 ".repeat(3 << 20));
  await page.getByTestId("add-problem").getByText("large.txt is larger than").waitFor();
  expect(await field.inputValue()).toBe("70006\n70007\n70008");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("a cancelled download that has bytes is asked about, and removals are taken back one after the other", { timeout: 60_000 }, async () => {
  await open(9);
  await line(DOWNLOADING).click({ button: "right" });
  await page.getByRole("menuitem", { name: /^Cancel/u }).click();
  await page.getByTestId("confirm").getByText("are thrown away").waitFor();
  expect(await called("cancel")).toEqual([]);
  await page.getByTestId("confirm-yes").click();
  await expect.poll(() => called("cancel")).toEqual([{ ids: [idOf(DOWNLOADING)] }]);
  await page.locator(`[data-id="${idOf(4)}"]`).click();
  await page.keyboard.press("Delete");
  // The keys go on from the row beside.
  await expect.poll(focused).toBe(idOf(5));
  await page.keyboard.press("Delete");
  await expect.poll(async () => (await called("remove")).length).toBe(2);
  await page.keyboard.press("Control+z");
  await page.keyboard.press("Control+z");
  await expect.poll(() => called("restore")).toEqual([{ ids: [idOf(5)] }, { ids: [idOf(4)] }]);
});

test("the window speaks another language when it is told to, and the colours chosen", { timeout: 60_000 }, async () => {
  await open(3);
  await page.keyboard.press("Control+,");
  await page.getByRole("radio", { name: "Dark" }).click();
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await expect.poll(ground).toBe("rgb(22, 23, 26)");
  await page.getByLabel("Language").selectOption({ label: "Deutsch" });
  await page.getByRole("button", { name: /^Fertig/u }).waitFor();
  expect(await page.evaluate(() => document.documentElement.lang)).toBe("de");
  await expect.poll(ground).toBe("rgb(22, 23, 26)");
});

test("what is in the list already is marked before it is added again", { timeout: 60_000 }, async () => {
  await open(3);
  await page.keyboard.press("Control+n");
  await page.getByTestId("add-field").fill("70001 70055");
  await page.getByText("· in the list already", { exact: true }).waitFor();
  expect(await page.getByText("· in the list already", { exact: true }).count()).toBe(1);
  await page.getByRole("button", { name: "Start 2" }).waitFor();
  await page.getByRole("checkbox", { name: "Leave those out" }).click();
  await page.getByTestId("add-confirm").click();
  expect(await called("add")).toEqual([{ items: [{ kind: "file", fileId: 70_055 }] }]);
});

test("an update is offered, comes, and waits for a restart", { timeout: 60_000 }, async () => {
  await open(1);
  await page.evaluate(() => window.desk.updated({ found: { version: "0.2.0", notes: null } }));
  await page.getByRole("button", { name: "Settings: version 0.2.0 is there" }).click();
  await page.getByTestId("install-update").click();
  expect(await called("installUpdate")).toEqual([null]);
  const state = page.getByTestId("update-state");
  await page.evaluate(() => window.desk.updated({ stage: { stage: "fetching", received: 30, total: 120 } }));
  await state.getByText("Fetching: 25 %").waitFor();
  expect(await page.getByTestId("install-update").isDisabled()).toBe(true);
  await page.getByTestId("cancel-update").click();
  await expect.poll(() => page.getByTestId("install-update").isEnabled()).toBe(true);
  await page.evaluate(() => window.desk.updated({ stage: { stage: "fetching", received: 3_000_000, total: null } }));
  await state.getByText("Fetching: 3.0 MB").waitFor();
  await page.evaluate(() => window.desk.updated({ stage: { stage: "installed" } }));
  await page.getByTestId("restart").click();
  expect(await called("restart")).toEqual([null]);
  expect(await page.getByTestId("look-for-updates").count()).toBe(0);
});

test("of 10,000 rows only those in sight exist, and the last is reached", { timeout: 60_000 }, async () => {
  await open(10_000);
  expect(await page.getByTestId("download-row").count()).toBeLessThan(40);
  await page.keyboard.press("End");
  await expect.poll(focused).toBe(idOf(9_999));
  expect(await page.getByTestId("download-row").count()).toBeLessThan(40);
  expect(await page.getByRole("grid").getAttribute("aria-rowcount")).toBe("10001");
});

test("an event draws again the rows that changed, and no other of the 10,000", { timeout: 60_000 }, async () => {
  await open(10_000);
  await line(0).waitFor();
  const drawn = await page.evaluate(async () => {
    const touched = new Set();
    const watch = new MutationObserver((changes) => {
      for (const { target } of changes) {
        const element = target instanceof Element ? target : target.parentElement;
        touched.add(element?.closest("[data-id]")?.getAttribute("data-id"));
      }
    });
    const list = document.querySelector("[role=grid][aria-label=Downloads]");
    watch.observe(list, { subtree: true, childList: true, characterData: true, attributes: true });
    const [first] = window.desk.rows;
    window.desk.tell([{ ...first, revision: 2, pulled: { ...first.pulled, done: first.pulled.done + 200_000_000 } }]);
    await new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); });
    return [...touched];
  });
  expect(drawn).toEqual([idOf(0)]);
});
