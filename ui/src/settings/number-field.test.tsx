// @vitest-environment jsdom
// A field for a number: what it takes, when it saves, and what it says.
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { NumberField, numberOf, problemOf } from "./number-field";

afterEach(cleanup);

function field() {
  const save = vi.fn();
  render(<NumberField name="At a time" hint="of 64" value={4} least={1} most={64} save={save} />);
  const input = screen.getByLabelText<HTMLInputElement>("At a time");
  const note = () => document.getElementById(input.getAttribute("aria-describedby") ?? "");
  const type = (value: string) => { fireEvent.change(input, { target: { value } }); };
  return { save, input, note, type };
}

test("Enter saves what was typed, and leaving does; what is as it was is not saved", () => {
  const { save, input, type } = field();
  type("8");
  fireEvent.keyDown(input, { key: "Enter" });
  expect(save).toHaveBeenLastCalledWith(8);
  type("9");
  fireEvent.blur(input);
  expect(save).toHaveBeenLastCalledWith(9);
  type("4");
  fireEvent.blur(input);
  expect(save).toHaveBeenCalledTimes(2);
});

test("Escape brings back what holds, and is the field's own while it is being changed", () => {
  const { save, input, type } = field();
  expect(input.dataset.changed).toBeUndefined();
  type("99");
  expect(input.dataset.changed).toBe("");
  fireEvent.keyDown(input, { key: "Escape" });
  expect(input.value).toBe("4");
  expect(input.dataset.changed).toBeUndefined();
  fireEvent.blur(input);
  expect(save).not.toHaveBeenCalled();
});

test("what is wrong is said beside it and not saved", () => {
  const { save, input, note, type } = field();
  expect(note()?.textContent).toBe("of 64");
  type("99");
  fireEvent.keyDown(input, { key: "Enter" });
  expect(input.getAttribute("aria-invalid")).toBe("true");
  expect(note()?.textContent).toBe("A whole number from 1 to 64.");
  expect(note()?.getAttribute("role")).toBe("alert");
  expect(save).not.toHaveBeenCalled();
});

test.each([
  ["2.5", 2.5], ["2,5", 2.5], [" 8 ", 8], ["1,000", 1000], ["12,345.5", 12_345.5], ["1,5000", 1.5], ["", Number.NaN], ["8x", Number.NaN],
])("%s is %d", (text, value) => { expect(numberOf(text)).toBe(value); });

test("a number out of its bounds is told with both", () => {
  expect(problemOf("0", 1, 64, true)).toBe("A whole number from 1 to 64.");
  expect(problemOf("2.5", 1, 64, true)).toBe("A whole number from 1 to 64.");
  expect(problemOf("200000", 0, 100_000, false)).toBe("A number from 0 to 100,000.");
  expect(problemOf("2.5", 0, 100_000, false)).toBe("");
});
