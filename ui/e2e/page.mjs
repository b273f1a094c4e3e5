// The desktop's page in a real browser, with a scripted shell behind it: what each test of it begins with.
import { afterEach, expect } from "vitest";
import { opens, page } from "./browsing.mjs";
import { FILES, row, shell } from "./desk.mjs";

export { page };

/** Where the rows of `row` stand. */
export const [DOWNLOADING, , COMPLETED, FAILED] = [0, 1, 2, 3];

let complaints = [];

afterEach(async () => {
  await page?.close();
  expect(complaints).toEqual([]);
});

export async function open(count, options = {}) {
  complaints = [];
  let address = "";
  await opens((browser, url) => {
    address = url;
    return browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  });
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  const rows = Array.from({ length: count }, (_, at) => row(at));
  await page.addInitScript(shell, { rows, files: FILES, server: { state: "online" } });
  await page.goto(address);
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
