// What is asked for before it is done.
import { expect, test } from "vitest";
import type { DownloadView } from "../backend/generated/DownloadView";
import { loses } from "./remove-dialog";

function row(done: number, percent = 0): DownloadView {
  const made = { percent, stage: "producing" };
  return { state: "downloading", can: ["cancel", "remove"], fault: null, made, pulled: { done } } as unknown as DownloadView;
}

test("what is lost for good is asked for, and what can be taken back is not", () => {
  expect(loses({ rows: [row(5)], verb: "cancel" }, true)).toBe(true);
  expect(loses({ rows: [row(0), row(5)], verb: "cancel" }, true)).toBe(true);
  expect(loses({ rows: [row(0, 50)], verb: "cancel" }, true)).toBe(false);
  expect(loses({ rows: [row(5, 50)], verb: "remove" }, true)).toBe(false);
  expect(loses({ rows: [row(0, 50)], verb: "remove" }, false)).toBe(true);
  expect(loses({ rows: [row(0)], verb: "remove" }, false)).toBe(false);
  expect(loses({ rows: [row(0)], verb: "removeWithFile" }, true)).toBe(true);
});
