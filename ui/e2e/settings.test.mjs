// The dialog of settings: what it sets, what it says, and what holds at once.
import { expect, test } from "vitest";
import { called, open, page } from "./page.mjs";

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
