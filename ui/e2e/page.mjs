// The desktop's page in a real browser, with a scripted shell behind it: what each test of it begins with.
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { launch } from "./chromium.mjs";
import { FILES, row, serve, shell } from "./desk.mjs";

/** Where the rows of `row` stand. */
export const [DOWNLOADING, , COMPLETED, FAILED] = [0, 1, 2, 3];

/** The one that is open. */
export let page;
let site;
let browser;
let complaints = [];

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

export async function open(count, options = {}) {
  complaints = [];
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  const rows = Array.from({ length: count }, (_, at) => row(at));
  await page.addInitScript(shell, { rows, files: FILES, server: { state: "online" } });
  await page.goto(site.url);
  await page.locator("[data-testid=server-state][data-state=online]").waitFor();
}

export const line = (at) => page.locator("[data-testid=download-row]").nth(at);
/** What the page asked of the shell by that name. */
export const called = (name) => page.evaluate(
  (wanted) => window.desk.calls.filter((call) => call.name === wanted).map((call) => call.args), name,
);
export const idOf = (at) => row(at).id;
/** The row that has the focus. */
export const focused = () => page.evaluate(() => document.activeElement?.getAttribute("data-id"));
