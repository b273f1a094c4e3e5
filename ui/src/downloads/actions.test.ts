// What a row offers, by menu and by key, and what is lost by removing it.
import { expect, test, vi } from "vitest";
import type { DownloadView } from "../backend/generated/DownloadView";
import { allows, keyed, lossOf, menuOf } from "./actions";

function row(over: Partial<DownloadView>): DownloadView {
  const none = { path: null, pulled: null, made: null, fault: null };
  return { state: "completed", can: ["open", "remove"], ...none, ...over } as DownloadView;
}

const HOST = { pulls: true, deletes: true, steers: false };

function ids(shown: DownloadView, deletes = true): string[] {
  return menuOf([shown], { ...HOST, deletes }, vi.fn()).map((entry) => entry.id);
}

test("the menu lists what the row allows, and the file's deletion only where there is a file", () => {
  expect(ids(row({ can: ["pause", "cancel", "remove"] }))).toEqual(["pause", "copyDetails", "cancel", "remove"]);
  expect(ids(row({ path: "/a" }))).toEqual(["open", "copyDetails", "remove", "removeWithFile"]);
  expect(ids(row({ path: "/a" }), false)).toEqual(["open", "copyDetails", "remove"]);
});

test.each([
  [" ", false, ["pause", "remove"], "pause"],
  [" ", false, ["retry", "remove"], "retry"],
  ["Enter", false, ["retry", "remove"], undefined],
  ["Delete", false, ["open", "remove"], "remove"],
  ["Delete", true, ["open", "remove"], "removeWithFile"],
  ["Backspace", false, ["open", "remove"], "remove"],
  ["Backspace", true, ["open", "remove"], "removeWithFile"],
  ["x", false, ["open", "remove"], undefined],
] as const)("the key %j (shift: %s) of a row that can %j does %s", (key, shiftKey, can, verb) => {
  expect(keyed({ key, shiftKey }, [row({ can: [...can], path: "/a" })], HOST)).toBe(verb);
});

test("bytes that are here and work under way are lost by a removal, and a finished file is not", () => {
  const pulled = { done: 5 } as DownloadView["pulled"];
  const made = (percent: number, stage: "done" | "producing") => ({ percent, stage }) as DownloadView["made"];
  const running: Partial<DownloadView> = { state: "downloading", can: ["cancel", "remove"] };
  expect(lossOf([row({ pulled, made: made(100, "done") })])).toEqual({ bytes: 0, work: false });
  expect(lossOf([row({ ...running, pulled, made: made(100, "done") })])).toEqual({ bytes: 5, work: false });
  expect(lossOf([row({ ...running, state: "preparing", made: made(3, "producing") })])).toEqual({ bytes: 0, work: true });
  const fault = { kept: 7 } as DownloadView["fault"];
  expect(lossOf([row({ state: "failed", can: ["retry", "remove"], fault })])).toEqual({ bytes: 7, work: false });
});

test("of many rows each action is offered that one allows, and done with those alone", () => {
  const act = vi.fn();
  const running = row({ state: "downloading", can: ["pause", "cancel", "remove"], endedAt: null });
  const paused = row({ state: "paused", can: ["resume", "cancel", "remove"], endedAt: null });
  const done = row({ path: "/a", endedAt: "then" });
  const entries = menuOf([running, paused, done], { ...HOST, steers: true }, act);
  expect(entries.map((entry) => `${entry.id}: ${entry.name}`)).toEqual([
    "open: Open (1)", "pause: Pause (1)", "resume: Resume (1)", "limitSpeed: Limit its speed… (2)",
    "moveFirst: To the front of the queue (2)", "moveLast: To the end of the queue (2)", "copyDetails: Copy details",
    "cancel: Cancel (2)", "remove: Remove from the list", "removeWithFile: Remove, and the file to the trash (1)",
  ]);
  entries.find((entry) => entry.id === "cancel")?.run();
  expect(act).toHaveBeenCalledExactlyOnceWith("cancel", [running, paused]);
});

test("a key does to a mixed choice what some of it allows: it pauses before it resumes, and deletes finished files alone", () => {
  const running = row({ state: "downloading", can: ["pause", "cancel", "remove"] });
  const paused = row({ state: "paused", can: ["resume", "cancel", "remove"] });
  const done = row({ path: "/a" });
  const by = (key: string, shiftKey: boolean, ...rows: DownloadView[]) => {
    const verb = keyed({ key, shiftKey }, rows, HOST);
    return verb && [verb, rows.filter((one) => allows(one, verb, HOST))];
  };
  expect(by(" ", false, paused, running, done)).toEqual(["pause", [running]]);
  expect(by(" ", false, paused, done)).toEqual(["resume", [paused]]);
  expect(by(" ", false, done)).toBeUndefined();
  expect(by("Delete", true, running, done)).toEqual(["removeWithFile", [done]]);
  expect(by("Delete", true, running, paused)).toBeUndefined();
  expect(by("Delete", false, running, done)).toEqual(["remove", [running, done]]);
});
