// What is waited for, what failed and what is there: each is its own view, and leads on to the next.
import { expect, test } from "vitest";
import { openView as open, page } from "./browsing.mjs";

/** From now on the shell does what it is asked. */
const mend = () => page.evaluate(() => { window.desk.refuses = {}; });
const retry = () => page.getByTestId("failed").getByRole("button", { name: "Retry" }).click();

test("before its first answer the list is neither empty nor counted", { timeout: 60_000 }, async () => {
  await open("loading");
  expect(await page.getByTestId("empty-field").count()).toBe(0);
  expect(await page.getByTestId("filter-all").innerText()).toBe("All");
  await page.evaluate(() => window.desk.release());
  await page.getByTestId("download-row").first().waitFor();
  expect(await page.getByTestId("loading").count()).toBe(0);
  expect(await page.getByTestId("filter-all").innerText()).toMatch(/5/u);
});

test("a list that does not come says why, and is asked for again", { timeout: 60_000 }, async () => {
  await open("failed");
  await page.getByTestId("failed").getByText("Longhaul is closing.").waitFor();
  await mend();
  await retry();
  await page.getByTestId("download-row").first().waitFor();
});

test("a catalogue that is refused is asked for again by its button", { timeout: 60_000 }, async () => {
  await open("catalogue-failed");
  expect(await page.getByTestId("catalogue-item").count()).toBe(0);
  await mend();
  await retry();
  await page.getByTestId("catalogue-item").first().waitFor();
});

test("a catalogue whose server is away comes by itself when it answers", { timeout: 60_000 }, async () => {
  await open("catalogue-away");
  await mend();
  await page.getByTestId("catalogue-item").first().waitFor();
  expect(await page.getByTestId("away").count()).toBe(0);
});

test("the settings are waited for, and asked for again where they did not come", { timeout: 60_000 }, async () => {
  await open("settings-failed");
  await page.getByTestId("failed").getByText("settings.json cannot be read: permission denied.").waitFor();
  await mend();
  await retry();
  await page.getByLabel("Downloads at a time").waitFor();
});
