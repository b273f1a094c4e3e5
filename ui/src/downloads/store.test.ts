// @vitest-environment jsdom
// Whether the list is there, and what happens to events meanwhile.
import { act, renderHook } from "@testing-library/react";
import { expect, test } from "vitest";
import type { ClientEvent } from "../backend/generated/ClientEvent";
import type { DownloadView } from "../backend/generated/DownloadView";
import type { Snapshot } from "../backend/generated/Snapshot";
import { apply, createStore } from "./store";

const row = (id: string, revision: number, place = id.charCodeAt(0)) => ({
  id, revision, place, name: `${id} at ${revision}`,
  // Ten to a paste, which has one time.
  addedAt: new Date(Math.ceil(place / 10) * 1_000).toISOString(),
}) as DownloadView;
const ROWS: Snapshot = {
  downloads: [row("a", 1)], server: { state: "online" }, servers: [], notices: [],
  totals: { all: 1, active: 0, waiting: 0, completed: 0, failed: 0, speed: 0, rests: false, slowed: null, until: null },
};
const ids = (list: Snapshot) => list.downloads.map(({ id }) => id);
const changed = (...rows: DownloadView[]): ClientEvent => ({ ...ROWS, changed: rows, removed: [] });

/** A feed whose snapshots are answered by the test. */
function opened() {
  const asked: { resolve: (snapshot: Snapshot) => void; reject: (error: Error) => void }[] = [];
  let tell: (event: ClientEvent) => void = () => undefined;
  const store = createStore({
    snapshot: () => new Promise((resolve, reject) => { asked.push({ resolve, reject }); }),
    subscribe: (listener) => { tell = listener; },
  });
  const shown = renderHook(() => ({ list: store.useList(), arrival: store.useArrival() }));
  const settle = (work: () => void) => act(async () => { work(); await Promise.resolve(); });
  return { store, asked, shown: shown.result, settle, tell: (event: ClientEvent) => { act(() => { tell(event); }); } };
}

test("before the snapshot nothing is the list; what was told meanwhile is in it", async () => {
  const { asked, shown, settle, tell } = opened();
  expect(shown.current.arrival).toEqual({ stage: "loading" });
  tell(changed(row("a", 2)));
  expect(shown.current.list.downloads).toEqual([]);
  await settle(() => { asked[0]?.resolve(ROWS); });
  expect(shown.current.arrival).toEqual({ stage: "there" });
  expect(shown.current.list.downloads.map((it) => it.name)).toEqual(["a at 2"]);
  tell(changed(row("b", 1)));
  expect(shown.current.list.downloads.map((it) => it.id)).toEqual(["b", "a"]);
});

test("a snapshot that does not come says why, and is asked for again", async () => {
  const { store, asked, shown, settle } = opened();
  const error = new Error("the list is locked");
  await settle(() => { asked[0]?.reject(error); });
  expect(shown.current.arrival).toEqual({ stage: "failed", error });
  expect(shown.current.list.notices).toEqual([]);
  await settle(store.reload);
  expect(shown.current.arrival).toEqual({ stage: "loading" });
  await settle(() => { asked[1]?.resolve(ROWS); });
  expect(shown.current.list.downloads).toHaveLength(1);
  // What is there is not asked for again.
  await settle(store.reload);
  expect(asked).toHaveLength(2);
});

test("new rows come first, and one that is brought back comes back to its place", () => {
  const before = { ...ROWS, downloads: [row("d", 1, 22), row("c", 1, 21), row("b", 1, 2), row("a", 1, 1)] };
  expect(ids(apply(before, changed(row("e", 1, 31), row("f", 1, 32))))).toEqual(["f", "e", "d", "c", "b", "a"]);
  const without = apply(before, { ...changed(), removed: ["c", "a"] });
  expect(ids(without)).toEqual(["d", "b"]);
  expect(ids(apply(without, changed(row("a", 2, 1), row("c", 2, 21))))).toEqual(["d", "c", "b", "a"]);
});

test("of those added together, one that is moved in the queue moves here too, and keeps its day", () => {
  const before = { ...ROWS, downloads: [row("d", 1, 22), row("c", 1, 3), row("b", 1, 2), row("a", 1, 1)] };
  expect(ids(apply(before, changed(row("a", 2, 3), row("b", 2, 1), row("c", 2, 2))))).toEqual(["d", "a", "c", "b"]);
  // An older view of it moves nothing.
  expect(ids(apply(before, changed(row("a", 1, 3))))).toEqual(["d", "c", "b", "a"]);
});
