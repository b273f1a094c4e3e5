// What comes into the dialog that is open already.
import { expect, test } from "vitest";
import { appended, type Given } from "./add-dialog";

const given = (text: string, foreign: boolean, refused = ""): Given => ({ text, foreign, refused });

test("what comes never runs into what is being typed", () => {
  expect(appended("70", [given("8", true), given("9", false)])).toBe("70\n8\n9");
  expect(appended("70\n", [given("8", true)])).toBe("70\n\n8");
  expect(appended("", [given("8", true)])).toBe("\n8");
  expect(appended("", [given("8", false)])).toBe("8");
  expect(appended("70", [given("", false, "a.zip was not taken.")])).toBe("70");
});
