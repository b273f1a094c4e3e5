// What a row offers, by menu and by key, and what is lost by removing it.
import { expect, test, vi } from "vitest";
import type { DownloadView } from "../backend/generated/DownloadView";
import { keyed, lossOf, menuOf } from "./actions";

function row(over: Partial<DownloadView>): DownloadView {
  const none = { path: null, pulled: null, made: null, fault: null };
  return { state: "completed", can: ["open", "remove"], ...none, ...over } as DownloadView;
}

function ids(shown: DownloadView, deletes = true): string[] {
  return menuOf(shown, { pulls: true, deletes }, vi.fn()).map((entry) => entry.id);
}

test("the menu lists what the row allows, and the file's deletion only where there is a file", () => {
  expect(ids(row({ can: ["pause", "cancel", "remove"] }))).toEqual(["pause", "cancel", "remove"]);
  expect(ids(row({ path: "/a" }))).toEqual(["open", "remove", "removeWithFile"]);
  expect(ids(row({ path: "/a" }), false)).toEqual(["open", "remove"]);
});

test.each([
  [" ", false, ["pause", "remove"], "pause"],
  [" ", false, ["retry", "remove"], "retry"],
  ["Enter", false, ["retry", "remove"], undefined],
  ["Delete", false, ["open", "remove"], "remove"],
  ["Delete", true, ["open", "remove"], "removeWithFile"],
  ["x", false, ["open", "remove"], undefined],
] as const)("the key %j (shift: %s) of a row that can %j does %s", (key, shiftKey, can, verb) => {
  expect(keyed({ key, shiftKey }, row({ can: [...can], path: "/a" }), true)).toBe(verb);
});

test("bytes that are here and work under way are lost by a removal, and a finished file is not", () => {
  const pulled = { done: 5 } as DownloadView["pulled"];
  const made = (percent: number, stage: "done" | "producing") => ({ percent, stage }) as DownloadView["made"];
  const running: Partial<DownloadView> = { state: "downloading", can: ["cancel", "remove"] };
  expect(lossOf(row({ pulled, made: made(100, "done") }))).toEqual({ bytes: 0, work: false });
  expect(lossOf(row({ ...running, pulled, made: made(100, "done") }))).toEqual({ bytes: 5, work: false });
  expect(lossOf(row({ ...running, state: "preparing", made: made(3, "producing") }))).toEqual({ bytes: 0, work: true });
  const fault = { kept: 7 } as DownloadView["fault"];
  expect(lossOf(row({ state: "failed", can: ["retry", "remove"], fault }))).toEqual({ bytes: 7, work: false });
});
