// Figures as a person reads them.
import { expect, test } from "vitest";
import { bytes, duration, lapse, when } from "./format";

test.each([
  [0, "0 B"], [999, "999 B"], [1000, "1.0 kB"], [999_950, "1.0 MB"], [84_200_000, "84.2 MB"], [12e9, "12.0 GB"],
])("%i bytes read %s", (count, text) => { expect(bytes(count)).toBe(text); });

test.each([
  [0, "0 s"], [59.6, "1 min 0 s"], [130, "2 min 10 s"], [3700, "about an hour"], [7200, "about 2 h"],
  [260_000, "about 3 days"],
])("%d seconds read %s", (seconds, text) => { expect(duration(seconds)).toBe(text); });

test.each([[0, "0.0 s"], [412, "0.4 s"], [41_000, "41 s"], [130_000, "2 min 10 s"]])(
  "a lapse of %i ms reads %s", (ms, text) => { expect(lapse(ms)).toBe(text); });

test("a time is told by the clock today, as yesterday, and by its day before", () => {
  const now = new Date(2026, 10, 25, 0, 5);
  const at = (...then: [number, number, number, number, number]) => when(new Date(...then).toISOString(), now);
  expect(at(2026, 10, 25, 0, 1)).toMatch(/^today .*1/u);
  expect(at(2026, 10, 24, 23, 59)).toBe("yesterday");
  expect(at(2026, 10, 23, 12, 0)).toMatch(/23/u);
  expect(at(2026, 10, 23, 12, 0)).not.toMatch(/2026/u);
  expect(at(2025, 10, 25, 0, 1)).toMatch(/2025/u);
});
