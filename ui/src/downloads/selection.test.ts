// What is picked by clicks and keys.
import { expect, test } from "vitest";
import type { DownloadView } from "../backend/generated/DownloadView";
import { beside, everything, extended, NONE, only, toggled } from "./selection";

const rows = ["a", "b", "c", "d"].map((id) => ({ id }) as DownloadView);
const ids = ({ ids: picked }: { ids: ReadonlySet<string> }) => [...picked].sort().join("");

test("a stretch goes from the anchor to the last click, and shrinks again", () => {
  const from = only("b");
  expect(ids(extended(from, "d", rows))).toBe("bcd");
  expect(ids(extended(extended(from, "d", rows), "a", rows))).toBe("ab");
  expect(extended(from, "d", rows)).toMatchObject({ lead: "d", anchor: "b" });
});

test("single rows are added and taken away", () => {
  const two = toggled(only("a"), "c");
  expect(ids(two)).toBe("ac");
  expect(ids(toggled(two, "a"))).toBe("c");
});

test("all are picked, and a stretch from nothing or from a row that is gone is the row itself", () => {
  expect(ids(everything(rows, null))).toBe("abcd");
  expect(ids(extended(NONE, "c", rows))).toBe("c");
  expect(ids(extended(only("gone"), "c", rows))).toBe("c");
});

test("when rows go, the keys go on from the next that stays, or from the one before", () => {
  const going = (...gone: string[]) => new Set(gone);
  expect(beside(rows, going("b"), "b")?.id).toBe("c");
  expect(beside(rows, going("b", "c"), "b")?.id).toBe("d");
  expect(beside(rows, going("c", "d"), "d")?.id).toBe("b");
  expect(beside(rows, going("a", "b", "c", "d"), "a")).toBeUndefined();
});
