// The list as events leave it: an older view of a row never replaces a newer one.
import { useSyncExternalStore } from "react";
import type { Backend } from "../backend/backend";
import type { ClientEvent } from "../backend/generated/ClientEvent";
import type { DownloadView } from "../backend/generated/DownloadView";
import type { Snapshot } from "../backend/generated/Snapshot";

const NOTHING: Snapshot = {
  downloads: [], server: { state: "connecting" }, notices: [],
  totals: { all: 0, active: 0, waiting: 0, completed: 0, failed: 0, speed: 0 },
};

/** `before` with an event applied; new rows come first. */
export function apply(before: Snapshot, event: ClientEvent): Snapshot {
  const rows = new Map(before.downloads.map((row) => [row.id, row]));
  const fresh: DownloadView[] = [];
  for (const row of event.changed) {
    const old = rows.get(row.id);
    if (!old) fresh.push(row);
    else if (row.revision > old.revision) rows.set(row.id, row);
  }
  for (const id of event.removed) rows.delete(id);
  return { downloads: [...fresh, ...rows.values()], totals: event.totals, server: event.server, notices: [...before.notices, ...event.notices] };
}

export interface Store {
  /** The list as it is now; the component that asks is shown each change. */
  useList: () => Snapshot;
  /** Takes the notices off: they have been read. */
  dismissNotices: () => void;
}

export function createStore(backend: Backend): Store {
  let state = NOTHING;
  const watchers = new Set<() => void>();
  const set = (next: Snapshot) => { state = next; for (const watcher of watchers) watcher(); };
  // Events before the snapshot's answer are kept, and those that it already holds are older.
  const early: ClientEvent[] = [];
  let ready = false;
  backend.subscribe((event) => { if (ready) set(apply(state, event)); else early.push(event); });
  backend.snapshot().then(
    (snapshot) => { ready = true; set(early.reduce(apply, snapshot)); },
    // Without a snapshot there is no list: say why, rather than seem to connect for ever.
    (error: unknown) => { set({ ...state, notices: [{ code: "no_list", message: error instanceof Error ? error.message : String(error) }] }); },
  );
  const watch = (watcher: () => void) => { watchers.add(watcher); return () => watchers.delete(watcher); };
  return {
    useList: () => useSyncExternalStore(watch, () => state),
    dismissNotices: () => { set({ ...state, notices: [] }); void backend.dismissNotices(); },
  };
}
