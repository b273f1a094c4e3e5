// Steps in the queue, and places that something is dragged to.
import { expect, test } from "vitest";
import type { DownloadView } from "../backend/generated/DownloadView";
import { lastSpot, placeAt, spotOf, stepOf } from "./queue";

const row = (id: string, place: number, endedAt: string | null = null) => ({ id, place, endedAt }) as DownloadView;
// As the list has them: newest first, with one that has ended between them.
const rows = [row("d", 4), row("x", 3, "then"), row("c", 2), row("a", 0), row("b", 1)];
const step = (ids: string, down: boolean) => stepOf(rows, new Set(ids), down);

test("a step goes before the one above, or after the one below", () => {
  expect(step("c", false)).toEqual({ at: "before", id: "b" });
  expect(step("a", true)).toEqual({ at: "before", id: "c" });
  expect(step("c", true)).toEqual({ at: "last" });
  expect(step("bc", false)).toEqual({ at: "before", id: "a" });
});

test("at the end there is no step, nor for what is not in the queue", () => {
  expect(step("a", false)).toBeNull();
  expect(step("d", true)).toBeNull();
  expect(step("x", true)).toBeNull();
});

test("what is dragged comes to stand where the line is drawn, and nowhere else", () => {
  const queue = [...rows].sort((a, b) => a.place - b.place);
  const place = (ids: string, id: string, below: boolean) => placeAt(queue, new Set(ids), { id, below });
  expect(place("d", "a", false)).toEqual({ at: "before", id: "a" });
  expect(place("d", "a", true)).toEqual({ at: "before", id: "b" });
  // Past what has ended, and past what is dragged along.
  expect(place("a", "c", true)).toEqual({ at: "before", id: "d" });
  expect(place("bc", "a", true)).toEqual({ at: "before", id: "d" });
  expect(place("a", "d", true)).toEqual({ at: "last" });
  for (const [ids, id] of [["a", "x"], ["a", "a"], ["a", "gone"]] as const) expect(place(ids, id, false)).toBeNull();
  expect(lastSpot(queue)).toEqual({ id: "d", below: true });
  expect(lastSpot([row("x", 3, "then")])).toBeNull();
});

test("the line is drawn where the rows come to stand: past what has ended, right above what they go before", () => {
  const queue = [row("a", 0), row("x", 1, "then"), row("c", 2), row("y", 3, "then")];
  const line = (ids: string, id: string, below: boolean) => {
    const place = placeAt(queue, new Set(ids), { id, below });
    return place && spotOf(queue, place);
  };
  expect(line("d", "a", true)).toEqual({ id: "c", below: false });
  expect(line("d", "c", false)).toEqual({ id: "c", below: false });
  expect(line("a", "c", true)).toEqual({ id: "c", below: true });
  expect(line("a", "y", false)).toBeNull();
});
