// The window's views, each with what leads to it, whatever the language: pictures are made of them
// (screens.mjs), and each is held to what all must be able to read and reach (views.test.mjs).
import { pressIn } from "./chromium.mjs";
import { FILES, row, shell } from "./desk.mjs";
import { serverOf } from "./server.mjs";

/** The same at every run: nothing tells when it was. */
export const NOW = Date.UTC(2026, 10, 25, 14, 30);
const NEXT_TRY = new Date(NOW + 42_000).toISOString();

const press = (key) => (page) => page.keyboard.press(key);
const first = (page) => page.getByTestId("download-row").first();
const settings = async (page, testId) => {
  await page.keyboard.press("Control+,");
  await page.locator("#set-language").waitFor();
  if (testId) await page.getByTestId(testId).scrollIntoViewIfNeeded();
};
const adding = async (page, text, awaited = "catalogue-item") => {
  await page.keyboard.press("Control+n");
  await page.getByTestId("add-field").fill(text);
  await page.getByTestId(awaited).first().waitFor();
};
const settled = (page) => page.getByTestId(/^(loading|failed)$/u).waitFor();
const OFFLINE = {
  state: "offline", code: "unreachable", reason: "the server cannot be reached: connection refused", nextTryAt: NEXT_TRY,
};
const SERVERS = [
  { id: "a", name: "Archive", address: "https://jobs.example.org/", hasToken: true, link: { state: "online" } },
  { id: "b", name: "Build farm", address: "http://10.0.0.7:8080/", hasToken: false, link: OFFLINE },
];
/** A download whose name is taken waits for a word. */
const conflict = (at) => ({
  ...row(at, NOW), state: "failed", made: null, pulled: null, can: ["keepBoth", "replace", "remove"], fault: {
    code: "name_taken", message: "“plans.pdf” is in /home/ada/Downloads already; nothing was downloaded.", kept: 0,
    fix: "chooseName",
  },
});

/**
 * Of each: `rows`, a number of made-up ones or the rows themselves; `prepare`, what is done; what the
 * shell answers (`server`, `servers`, `notices`, `holds`, `refuses`). With `web` it is the web page, in
 * front of a server that answers so.
 */
export const SCENES = {
  "list": { prepare: press("ArrowDown") },
  "list-of-10000": { rows: 10_000, prepare: async (page) => {
    await first(page).click();
    await page.keyboard.press("Shift+PageDown");
  } },
  "details-of-a-failure": { prepare: async (page) => page.getByTestId("download-row").nth(3).click() },
  "empty": { rows: 0, prepare: async (page) => page.getByTestId("empty-field").fill("70003 https://example.org/a.zip what?") },
  "nothing-found": { prepare: async (page) => page.getByRole("searchbox").fill("no such name") },
  "adding": { prepare: (page) => adding(page, `70000\n70003\nhttps://example.org/archive.tar.zst sha256:${"9f2c".repeat(16)}`) },
  "adding-what-is-unclear": { prepare: (page) => adding(page, "70000 70000 what?"), servers: SERVERS },
  "settings": { prepare: (page) => settings(page) },
  "settings-system": { prepare: (page) => settings(page, "diagnostics") },
  "settings-wrong-number": { prepare: async (page) => {
    await settings(page);
    await page.locator("[inputmode=numeric]").first().fill("99");
  } },
  "timetable": { prepare: async (page) => {
    await settings(page);
    await page.locator("#set-table").click();
    await page.getByTestId("rule-endings").fill("zip, rar");
    await page.getByTestId("rule-endings").locator("xpath=following-sibling::button").click();
    await page.getByTestId("folder-rule").waitFor();
  } },
  "servers": { servers: SERVERS, prepare: async (page) => {
    await settings(page, "server-add");
    await page.getByTestId("server-line").nth(1).getByRole("button").first().click();
    await page.getByTestId("server-save").scrollIntoViewIfNeeded();
  } },
  "update": { prepare: async (page) => {
    await settings(page);
    await page.evaluate(() => window.desk.updated({
      found: { version: "0.2.0", notes: "Downloads of many small files take half the time." },
    }));
    await page.getByTestId("diagnostics").scrollIntoViewIfNeeded();
  } },
  "update-failed": { prepare: async (page) => {
    await settings(page);
    await page.evaluate(() => window.desk.updated({
      found: { version: "0.2.0", notes: "Faster." }, error: "the source cannot be reached: connection refused",
    }));
    await page.getByTestId("install-update").scrollIntoViewIfNeeded();
  } },
  "commands": { prepare: async (page) => {
    await first(page).click();
    await page.keyboard.press("Control+k");
  } },
  "menu": { prepare: async (page) => first(page).click({ button: "right" }) },
  "menu-of-columns": { prepare: async (page) => (
    page.getByTestId("list-head").click({ button: "right", position: { x: 40, y: 10 } })
  ) },
  "menu-of-orders": { prepare: async (page) => page.locator("header [aria-haspopup=menu]").click() },
  "question": { rows: 9, prepare: async (page) => {
    await page.getByTestId("download-row").nth(2).click();
    await page.keyboard.press("Shift+Delete");
  } },
  "limit": { prepare: async (page) => {
    await first(page).click({ button: "right" });
    await page.getByTestId("menu-action-limitSpeed").click();
  } },
  "undo": { prepare: async (page) => pressIn(first(page), "remove") },
  "name-conflict": { rows: [conflict(3), row(0, NOW), row(1, NOW), row(2, NOW)], prepare: async (page) => page.locator("[data-testid=download-row][data-state=failed]").click() },
  "offline": { server: OFFLINE },
  "servers-offline": { servers: SERVERS },
  "notices": { notices: [
    { code: "list_recovered", message: "The download list was damaged and has been restored. The damaged one is in "
      + "/home/ada/.local/share/org.longhaul.desktop/list.broken. Files that were already downloaded are where they were." },
    { code: "token_not_kept", message: "The token of “Archive” holds until Longhaul is closed: the keyring could not take it (no such service)." },
  ] },
  "loading": { holds: ["snapshot"], prepare: settled },
  "failed": { refuses: { snapshot: { code: "closed", message: "the download manager has shut down" } }, prepare: settled },
  "catalogue-loading": { holds: ["files"], prepare: (page) => adding(page, "", "loading") },
  "catalogue-failed": { refuses: { files: { code: "faulty_server", message: "the server answered wrongly: 502" } },
    prepare: (page) => adding(page, "", "failed") },
  "catalogue-away": { server: OFFLINE, refuses: { files: { code: "unreachable", message: OFFLINE.reason } },
    prepare: (page) => adding(page, "", "away") },
  "catalogue-nothing-found": { prepare: async (page) => {
    await adding(page, "");
    await page.getByTestId("catalogue-search").fill("no such name");
    await page.getByTestId("catalogue-item").first().waitFor({ state: "detached" });
  } },
  "settings-loading": { holds: ["settings"], prepare: async (page) => {
    await page.keyboard.press("Control+,");
    await page.getByTestId("loading").waitFor();
  } },
  "settings-failed": { refuses: { settings: { code: "list", message: "settings.json cannot be read: permission denied" } },
    prepare: async (page) => {
      await page.keyboard.press("Control+,");
      await page.getByTestId("failed").waitFor();
    } },
  "web-list": { web: { jobs: true }, prepare: async (page) => page.getByTestId("download-row").nth(2).click() },
  "web-empty": { web: {}, prepare: async (page) => page.getByTestId("empty-field").fill("70003 what?") },
  "web-adding": { web: { jobs: true }, prepare: (page) => adding(page, "70000 what?") },
  "web-settings": { web: {}, prepare: (page) => settings(page) },
  "web-sign-in": { web: { locked: true }, prepare: async (page) => page.getByTestId("token-field").waitFor() },
};

/** A page that shows a scene; who opens it closes it. */
export async function openScene(browser, url, { rows = 5, prepare, server = { state: "online" }, web, ...given }, look = {}) {
  const { width = 1280, ...options } = look;
  const page = await browser.newPage({ viewport: { width, height: 720 }, reducedMotion: "reduce", ...options });
  page.setDefaultTimeout(20_000);
  await page.clock.setFixedTime(NOW);
  const list = typeof rows === "number" ? Array.from({ length: rows }, (_, at) => row(at, NOW)) : rows;
  if (web) await serverOf(page, web, NOW);
  else await page.addInitScript(shell, { rows: list, files: FILES, server, ...given });
  await page.goto(url);
  await page.getByTestId("server-state").waitFor();
  if (!web?.locked && !given.holds?.includes("snapshot") && !given.refuses?.snapshot) {
    await page.locator(`[data-testid=server-state][data-state=${server.state}]`).waitFor();
  }
  await prepare?.(page);
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  return page;
}
