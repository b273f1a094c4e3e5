// What is shown of the list, and in which order.
import { expect, test } from "vitest";
import type { DownloadView } from "../backend/generated/DownloadView";
import { countsOf, createSorter, EVERYTHING, matching, newest } from "./shown";

function row(id: string, over: Partial<DownloadView> = {}): DownloadView {
  return {
    id, name: id, state: "completed", size: null, addedAt: "2026-11-25T12:00:00", source: { kind: "file", fileId: 7 },
    made: null, pulled: null, ...over,
  } as DownloadView;
}

const names = (rows: readonly DownloadView[]) => rows.map((one) => one.name);

test("a group and a search narrow the list together, whatever the case", () => {
  const rows = [row("Alpha.zip"), row("beta.zip", { state: "failed" }), row("alpine.iso", { state: "failed" })];
  expect(names(matching(rows, { ...EVERYTHING, group: "failed", query: " ALP " }))).toEqual(["alpine.iso"]);
  expect(matching(rows, EVERYTHING)).toBe(rows);
});

test("names are ordered as a person counts", () => {
  const rows = [row("part 10"), row("Part 9"), row("part 1")];
  expect(names(createSorter()(rows, { by: "name", down: false }))).toEqual(["part 1", "Part 9", "part 10"]);
});

test("sizes not yet known come last", () => {
  const rows = [row("a"), row("b", { size: 1 }), row("c", { size: 2 })];
  expect(names(createSorter()(rows, { by: "size", down: true }))).toEqual(["c", "b", "a"]);
  expect(names(createSorter()(rows, { by: "size", down: false }))).toEqual(["b", "c", "a"]);
});

test("a list sorted again has its new rows, its changed rows and not its old ones", () => {
  const sort = createSorter();
  sort([row("1", { name: "c" }), row("2", { name: "b" }), row("3", { name: "d" })], { by: "name", down: false });
  const now = [row("4", { name: "e" }), row("1", { name: "c" }), row("2", { name: "z" })];
  expect(names(sort(now, { by: "name", down: false }))).toEqual(["c", "e", "z"]);
});

test("kinds and days are counted, and narrow the list", () => {
  const now = new Date("2026-11-25T20:00:00");
  const rows = [
    row("a.mov"), row("b.zip", { addedAt: "2026-11-20T00:00:00" }), row("c.ZIP", { addedAt: "2026-11-18T23:59:00" }),
    row("Makefile", { source: { kind: "direct", url: "https://example.org/Makefile" } }),
  ];
  const { kinds, days } = countsOf(rows, now);
  expect([kinds.video, kinds.archive, kinds.other]).toEqual([1, 2, 1]);
  expect(days).toEqual({ today: 2, week: 1, earlier: 1 });
  const only = (change: object) => names(matching(rows, { ...EVERYTHING, ...change }, now));
  expect(only({ kind: "archive", day: "week" })).toEqual(["b.zip"]);
  expect(only({ query: "example.org" })).toEqual(["Makefile"]);
});

test("of a paste the last stands first, and progress is sorted as it is shown", () => {
  const paste = [row("1", { place: 1 }), row("2", { place: 2 }), row("3", { place: 3 })];
  expect(names([...paste].sort(newest))).toEqual(["3", "2", "1"]);
  expect(names(createSorter()([...paste].sort(newest), { by: "added", down: false }))).toEqual(["1", "2", "3"]);
  const bar = (id: string, percent: number, done: number) => row(id, {
    state: "downloading", made: { percent } as never, pulled: { done, total: 100 } as never,
  });
  const rows = [bar("half", 100, 0), bar("most", 100, 80), row("none", { state: "queued" }), bar("made", 60, 0),
    row("gone", { state: "cancelled" })];
  expect(names(createSorter()(rows, { by: "progress", down: true }))).toEqual(["most", "half", "made", "none", "gone"]);
  // What shows 0 % is known to be at 0.
  expect(names(createSorter()(rows, { by: "progress", down: false }))).toEqual(["none", "made", "half", "most", "gone"]);
});
