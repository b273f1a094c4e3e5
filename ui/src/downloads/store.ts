// The desktop's list as events leave it: an older view of a row never replaces a newer one.
import { useSyncExternalStore } from "react";
import type { ClientEvent } from "../backend/generated/ClientEvent";
import type { DownloadView } from "../backend/generated/DownloadView";
import type { Snapshot } from "../backend/generated/Snapshot";
import { messageOf } from "../kit/message-of";

const NOTHING: Snapshot = {
  downloads: [],
  server: { state: "connecting" },
  servers: [],
  notices: [],
  totals: { all: 0, active: 0, waiting: 0, completed: 0, failed: 0, speed: 0, rests: false, slowed: null, until: null },
};

/** `before` with an event applied; new rows come first. */
export function apply(before: Snapshot, event: ClientEvent): Snapshot {
  const { totals, server, servers } = event;
  const notices = [...before.notices, ...event.notices];
  if (event.changed.length === 0 && event.removed.length === 0) {
    // The same list stays the same object: nothing is filtered or sorted again for a new total.
    return { downloads: before.downloads, totals, server, servers, notices };
  }
  const rows = new Map(before.downloads.map((row) => [row.id, row]));
  const fresh: DownloadView[] = [];
  for (const row of event.changed) {
    const old = rows.get(row.id);
    if (!old) fresh.push(row);
    else if (row.revision > old.revision) rows.set(row.id, row);
  }
  for (const id of event.removed) rows.delete(id);
  return { downloads: [...fresh, ...rows.values()], totals, server, servers, notices };
}

/** Where the list comes from: how it is now, and what changes from then on. */
export interface Feed {
  snapshot: () => Promise<Snapshot>;
  subscribe: (listener: (event: ClientEvent) => void) => void;
}

export interface Store {
  /** The list as it is now; the component that asks is shown each change. */
  useList: () => Snapshot;
  /** Takes the notices off: they have been read. */
  dismissNotices: () => void;
}

export function createStore(feed: Feed): Store {
  let state = NOTHING;
  const watchers = new Set<() => void>();
  const set = (next: Snapshot) => {
    state = next;
    for (const watcher of watchers) watcher();
  };
  // Events before the snapshot's answer are kept, and those that it already holds are older.
  const early: ClientEvent[] = [];
  let ready = false;
  feed.subscribe((event) => {
    if (ready) set(apply(state, event));
    else early.push(event);
  });
  feed.snapshot().then(
    (snapshot) => {
      ready = true;
      // How long a start takes is measured up to here.
      performance.mark("longhaul-list");
      set(early.reduce(apply, snapshot));
    },
    // Without a snapshot there is no list: say why, rather than seem to connect for ever.
    (error: unknown) => {
      const message = messageOf(error);
      set({ ...state, notices: [{ code: "no_list", message }] });
    },
  );
  const watch = (watcher: () => void) => {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  };
  return {
    useList: () => useSyncExternalStore(watch, () => state),
    dismissNotices: () => { set({ ...state, notices: [] }); },
  };
}
