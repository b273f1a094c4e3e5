// How keys are written.
import { expect, test } from "vitest";
import { chord } from "./keys";

test("a chord is written as the keyboard has it", () => {
  expect([chord("N", false), chord("N", true)]).toEqual(["Ctrl N", "⌘N"]);
});
