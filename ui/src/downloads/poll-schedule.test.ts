// The poll's pace, as a table.
import { expect, test } from "vitest";
import { answered, failed, INTERVAL, LONGEST, PATIENCE } from "./poll-schedule";

test("an answer keeps the pace of two seconds", () => {
  expect(answered(null).wait).toBe(INTERVAL);
});

test("a longer Retry-After is honoured, a shorter one is not", () => {
  expect(answered(10).wait).toBe(10_000);
  expect(answered(1).wait).toBe(INTERVAL);
});

test("four failures keep the pace and the fifth is told", () => {
  let state = { failures: 0 };
  for (let n = 1; n <= PATIENCE; n += 1) {
    const next = failed(state, null, 0.5);
    expect(next.tell).toBe(n === PATIENCE);
    if (n < PATIENCE) expect(next.wait).toBe(INTERVAL);
    else expect(next.wait).toBeGreaterThan(INTERVAL);
    state = next.state;
  }
});

test("the wait never passes sixty seconds, nor falls below half of its step", () => {
  for (const random of [0, 0.5, 0.999]) {
    const { wait } = failed({ failures: 40 }, null, random);
    expect(wait).toBeLessThanOrEqual(LONGEST);
    expect(wait).toBeGreaterThanOrEqual(LONGEST / 2);
  }
});
