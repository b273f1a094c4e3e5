// The list as it is worked: dialogs, menus, keys, and a list of 10,000. The real window with the real shell is
// driven in tests/it/window.
import { expect, test } from "vitest";
import { pressIn } from "./chromium.mjs";
import { called, COMPLETED, DOWNLOADING, FAILED, focused, idOf, line, open, page } from "./page.mjs";

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
