// The add field's reading, as a table.
import { expect, test } from "vitest";
import { parseAdd } from "./parse";

test.each([
  ["", 0, 0, 0],
  ["70000", 1, 0, 0],
  ["#70000, 70001\n70002;70003", 4, 0, 0],
  ["7 7 #7", 1, 0, 2],
  ["https://example.org/a.zip HTTP://EXAMPLE.org/b", 2, 0, 0],
  ["ftp://example.org/a javascript:alert(1) word", 0, 3, 0],
  ["9007199254740991", 1, 0, 0],
  ["9007199254740992 -1 1.5", 0, 3, 0],
  ["https://", 0, 1, 0],
  ["https://me:secret@example.org/a https://me@example.org/b", 0, 2, 0],
  [`7 sha256:${"a1".repeat(32)} https://example.org/b ${"B2".repeat(32)}`, 2, 0, 0],
  [`${"a1".repeat(32)} 7`, 1, 1, 0],
  [`7 sha256:${"a1".repeat(31)}`, 1, 1, 0],
  [`7 sha256:${"a1".repeat(32)} 8 7 sha256:${"b2".repeat(32)}`, 2, 1, 1],
])("%j is %i items, %i unclear, %i repeated", (text, items, unclear, repeated) => {
  const found = parseAdd(text, true);
  expect([found.items.length, found.unclear.length, found.repeated]).toEqual([items, unclear, repeated]);
});

test("a digest is that of what stands before it, and a word where nobody can hold a file against it", () => {
  const text = `https://example.org/a 70000 SHA256:${"AB".repeat(32)}`;
  const [link, file] = parseAdd(text, true).items;
  expect([link?.sha256, file?.sha256]).toEqual([undefined, "ab".repeat(32)]);
  const without = parseAdd(text, false);
  expect([without.items[1]?.sha256, without.unclear.length]).toEqual([undefined, 1]);
});

test("a URL with a password is told apart from what is none", () => {
  const found = parseAdd("https://me:secret@example.org/a word", true);
  expect(found.unclear.map(({ why }) => why)).toEqual(["password", "unclear"]);
});
