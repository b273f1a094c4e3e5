// One step up or down in the queue.
import { expect, test } from "vitest";
import type { DownloadView } from "../backend/generated/DownloadView";
import { stepOf } from "./queue";

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
