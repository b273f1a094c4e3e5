// What is shown of the list, and in which order.
import { expect, test } from "vitest";
import type { DownloadView } from "../backend/generated/DownloadView";
import { createSorter, matching } from "./shown";

function row(id: string, over: Partial<DownloadView> = {}): DownloadView {
  return { id, name: id, state: "completed", size: null, ...over } as DownloadView;
}

const names = (rows: readonly DownloadView[]) => rows.map((one) => one.name);

test("a group and a search narrow the list together, whatever the case", () => {
  const rows = [row("Alpha.zip"), row("beta.zip", { state: "failed" }), row("alpine.iso", { state: "failed" })];
  expect(names(matching(rows, "failed", " ALP "))).toEqual(["alpine.iso"]);
  expect(matching(rows, "all", "")).toBe(rows);
});

test("names are ordered as a person counts", () => {
  const rows = [row("part 10"), row("Part 9"), row("part 1")];
  expect(names(createSorter()(rows, "name"))).toEqual(["part 1", "Part 9", "part 10"]);
});

test("sizes not yet known come last", () => {
  const rows = [row("a"), row("b", { size: 1 }), row("c", { size: 2 })];
  expect(names(createSorter()(rows, "size"))).toEqual(["c", "b", "a"]);
});

test("a list sorted again has its new rows, its changed rows and not its old ones", () => {
  const sort = createSorter();
  sort([row("1", { name: "c" }), row("2", { name: "b" }), row("3", { name: "d" })], "name");
  const now = [row("4", { name: "e" }), row("1", { name: "c" }), row("2", { name: "z" })];
  expect(names(sort(now, "name"))).toEqual(["c", "e", "z"]);
});
