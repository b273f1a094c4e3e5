// Which columns are shown where, and that what was kept cannot break them.
import { expect, test } from "vitest";
import { clamped, fitting, readLayout, template, USUAL } from "./columns";

test("what has no room goes, the least first", () => {
  const all = readLayout(Object.fromEntries(Object.keys(USUAL).map((column) => [column, { shown: true }])));
  expect(fitting(all, 2000)).toHaveLength(7);
  expect(fitting(all, 1000)).not.toContain("source");
  expect(fitting(all, 700)).toEqual(["progress", "speed", "left"]);
  expect(fitting(all, 300)).toEqual([]);
});

test("a kept layout is taken where it is sound", () => {
  expect(readLayout(null)).toEqual(USUAL);
  expect(readLayout({ size: { width: 1e9, shown: false }, speed: 7, other: {} })).toEqual({
    ...USUAL, size: { width: clamped(1e9), shown: false },
  });
});

test("the grid has the name, the columns and the buttons", () => {
  expect(template(USUAL, ["size"])).toBe("minmax(0, 1fr) 84px 6rem");
});
