// How long a word stays on the screen.
import { expect, test } from "vitest";
import { leftOf, type Said, without } from "./toast";

const removed: Said = { text: "Removed: a", undo: () => undefined, since: 1_000_000 };

test("a word goes by itself, and stays while it is looked at, but no longer than it can be taken back", () => {
  expect(leftOf(removed, false, 1_000_000)).toBe(10_000);
  expect(leftOf({ ...removed, undo: null }, false, 1_000_000)).toBeLessThan(4_000);
  expect(leftOf(removed, true, 1_005_000)).toBe(45_000);
  expect(leftOf(removed, false, 1_045_000)).toBe(5_000);
  expect(leftOf(removed, true, 1_060_000)).toBe(0);
});

test("an earlier removal is offered again while its time lasts", () => {
  const first = { ...removed, since: 960_000 };
  const second = { ...removed, since: 990_000 };
  expect(without([first, second, removed], removed, 1_000_000)).toEqual([first, second]);
  expect(without([first, second, removed], removed, 1_010_000)).toEqual([second]);
});
