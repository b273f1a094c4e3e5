// Pictures of each view, light and dark, at three widths: `npm run screens` writes ../docs/screens.
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch, pressIn } from "./chromium.mjs";
import { FILES, row, serve, shell } from "./desk.mjs";

const OUT = fileURLToPath(new URL("../../docs/screens/", import.meta.url));
const WIDTHS = [800, 1280, 1920];
/** The same at every run: nothing in the pictures tells when they were made. */
const NOW = Date.UTC(2026, 10, 25, 14, 30);

const press = (key) => (page) => page.keyboard.press(key);
const first = (page) => page.getByTestId("download-row").first();
const VIEWS = {
  "list": [5, press("ArrowDown")],
  "list-of-10000": [10_000, async (page) => {
    await first(page).click();
    await page.keyboard.press("Shift+PageDown");
  }],
  "empty": [0, async (page) => page.getByTestId("empty-field").fill("70003 https://example.org/a.zip what?")],
  "nothing-found": [5, async (page) => page.getByRole("searchbox").fill("no such name")],
  "adding": [5, async (page) => {
    await page.keyboard.press("Control+n");
    await page.getByTestId("add-field").fill(`70000\n70003\nhttps://example.org/archive.tar.zst sha256:${"9f2c".repeat(16)}`);
    await page.getByTestId("catalogue-item").first().waitFor();
  }],
  "settings": [5, press("Control+,")],
  "servers": [5, async (page) => {
    await page.keyboard.press("Control+,");
    await page.getByTestId("server-add").scrollIntoViewIfNeeded();
    await page.getByRole("button", { name: "Change Archive" }).click();
    await page.getByTestId("server-save").scrollIntoViewIfNeeded();
  }, undefined, [
    { id: "a", name: "Archive", address: "https://jobs.example.org/", hasToken: true, link: { state: "online" } },
    { id: "b", name: "Build farm", address: "http://10.0.0.7:8080/", hasToken: false, link: {
      state: "offline", reason: "the server cannot be reached: connection refused",
      nextTryAt: new Date(NOW + 42_000).toISOString(),
    } },
  ]],
  "update": [5, async (page) => {
    await page.keyboard.press("Control+,");
    await page.evaluate(() => window.desk.updated({
      found: { version: "0.2.0", notes: "Downloads of many small files take half the time." },
    }));
    await page.getByTestId("diagnostics").scrollIntoViewIfNeeded();
  }],
  "commands": [5, async (page) => {
    await first(page).click();
    await page.keyboard.press("Control+k");
  }],
  "menu": [5, async (page) => first(page).click({ button: "right" })],
  "undo": [5, async (page) => pressIn(first(page), "remove")],
  "offline": [5, () => undefined, {
    state: "offline", reason: "The connection was refused", nextTryAt: new Date(NOW + 42_000).toISOString(),
  }],
};

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const site = await serve();
const browser = await launch();
for (const [view, [count, prepare, server = { state: "online" }, servers = []]] of Object.entries(VIEWS)) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of WIDTHS) {
      const page = await browser.newPage({ viewport: { width, height: 720 }, colorScheme, reducedMotion: "reduce" });
      await page.clock.setFixedTime(NOW);
      const rows = Array.from({ length: count }, (_, at) => row(at, NOW));
      await page.addInitScript(shell, { rows, files: FILES, server, servers });
      await page.goto(site.url);
      await page.locator(`[data-testid=server-state][data-state=${server.state}]`).waitFor();
      await prepare(page);
      await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
      await page.screenshot({ path: `${OUT}${view}-${colorScheme}-${width}.png` });
      await page.close();
    }
  }
}
await browser.close();
site.stop();
