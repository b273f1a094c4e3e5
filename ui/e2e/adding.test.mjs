// Adding: by the field, by the catalogue, by what is pasted, dropped, or given by another program.
import { expect, test } from "vitest";
import { called, open, page } from "./page.mjs";

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
