// The desktop's list as events leave it: an older view of a row never replaces a newer one.
import { useSyncExternalStore } from "react";
import type { Arrival } from "../backend/backend";
import type { ClientEvent } from "../backend/generated/ClientEvent";
import type { DownloadView } from "../backend/generated/DownloadView";
import type { Snapshot } from "../backend/generated/Snapshot";
import { newest } from "./shown";

const NOTHING: Snapshot = {
  downloads: [],
  server: { state: "connecting" },
  servers: [],
  notices: [],
  totals: { all: 0, active: 0, waiting: 0, completed: 0, failed: 0, speed: 0, rests: false, slowed: null, until: null },
};

/** Takes rows into a list that is newest first: also those that come back from a removal, or have another place. */
function taken(fresh: DownloadView[], kept: DownloadView[]): DownloadView[] {
  if (fresh.length === 0) return kept;
  fresh.sort(newest);
  const all: DownloadView[] = [];
  let at = 0;
  for (const row of kept) {
    for (let next = fresh[at]; next && newest(next, row) < 0; next = fresh[at]) {
      all.push(next);
      at += 1;
    }
    all.push(row);
  }
  return [...all, ...fresh.slice(at)];
}

/** `before` with an event applied. */
export function apply(before: Snapshot, event: ClientEvent): Snapshot {
  const { totals, server, servers } = event;
  const notices = [...before.notices, ...event.notices];
  if (event.changed.length === 0 && event.removed.length === 0) {
    // The same list stays the same object: nothing is filtered or sorted again for a new total.
    return { downloads: before.downloads, totals, server, servers, notices };
  }
  // What changed is looked up, not the whole list: this runs four times a second over 10,000 rows.
  const changed = new Map(event.changed.map((row) => [row.id, row]));
  const removed = new Set(event.removed);
  const kept: DownloadView[] = [];
  for (const old of before.downloads) {
    const row = changed.get(old.id);
    const isNewer = row !== undefined && row.revision > old.revision;
    // What was moved in the queue is put in anew, as the next start would have it.
    if (isNewer && row.place !== old.place) continue;
    changed.delete(old.id);
    if (!removed.has(old.id)) kept.push(isNewer ? row : old);
  }
  const fresh = [...changed.values()].filter((row) => !removed.has(row.id));
  return { downloads: taken(fresh, kept), totals, server, servers, notices };
}

/** Where the list comes from: how it is now, and what changes from then on. */
export interface Feed {
  snapshot: () => Promise<Snapshot>;
  subscribe: (listener: (event: ClientEvent) => void) => void;
}

export interface Store {
  /** The list as it is now; the component that asks is shown each change. */
  useList: () => Snapshot;
  useArrival: () => Arrival;
  /** Asks for the snapshot again, where it did not come. */
  reload: () => void;
  /** Takes the notices off: they have been read. */
  dismissNotices: () => void;
}

export function createStore(feed: Feed): Store {
  let state = NOTHING;
  let arrival: Arrival = { stage: "loading" };
  const watchers = new Set<() => void>();
  const tell = () => { for (const watcher of watchers) watcher(); };
  const set = (next: Snapshot) => {
    state = next;
    tell();
  };
  // Events before the snapshot's answer are kept, and those that it already holds are older.
  const early: ClientEvent[] = [];
  feed.subscribe((event) => {
    if (arrival.stage === "there") set(apply(state, event));
    else early.push(event);
  });
  const load = () => {
    feed.snapshot().then((snapshot) => {
      arrival = { stage: "there" };
      // How long a start takes is measured up to here.
      performance.mark("longhaul-list");
      const downloads = [...snapshot.downloads].sort(newest);
      set(early.splice(0).reduce(apply, { ...snapshot, downloads }));
    }, (error: unknown) => {
      arrival = { stage: "failed", error };
      tell();
    });
  };
  load();
  const watch = (watcher: () => void) => {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  };
  return {
    useList: () => useSyncExternalStore(watch, () => state),
    useArrival: () => useSyncExternalStore(watch, () => arrival),
    reload() {
      if (arrival.stage !== "failed") return;
      arrival = { stage: "loading" };
      tell();
      load();
    },
    dismissNotices: () => { set({ ...state, notices: [] }); },
  };
}
