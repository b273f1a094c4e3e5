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
])("%j is %i items, %i unclear, %i repeated", (text, items, unclear, repeated) => {
  const found = parseAdd(text);
  expect([found.items.length, found.unclear.length, found.repeated]).toEqual([items, unclear, repeated]);
});
