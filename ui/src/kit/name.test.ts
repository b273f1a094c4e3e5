// Where a long name is cut in two.
import { expect, test } from "vitest";
import { halves } from "./name";

test("a long name keeps its end, and a short one is not cut", () => {
  const [head, tail] = ["a long name that goes on and on", ", draft 7.xlsx"];
  expect(halves(head + tail)).toEqual([head, tail]);
  expect(halves("short.txt")).toEqual(["short.txt", ""]);
});

test("no letter of several code points is cut apart", () => {
  const family = "👩‍👩‍👧‍👦";
  const [head, tail] = halves(`${"x".repeat(30)}${family}01234567.txt`);
  expect(head + tail).toBe(`${"x".repeat(30)}${family}01234567.txt`);
  expect(tail.startsWith(family) || head.endsWith(family)).toBe(true);
});

test("a name that is written from right to left is left to the browser", () => {
  const name = "תוכנית העבודה השנתית לשנת 2026 גרסה סופית.docx";
  expect(halves(name)).toEqual([name, ""]);
});
