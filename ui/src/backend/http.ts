// The web page's backend: plain HTTP against the server that served the page.
import { WebJobs } from "../downloads/web-jobs";
import { BackendError, type Backend } from "./backend";
import type { ClientEvent } from "./generated/ClientEvent";
import type { FilesPage } from "./generated/FilesPage";
import type { Notice } from "./generated/Notice";
import { rowOf, totalsOf } from "./job-row";
import { ask, keepToken } from "./wire";

const ONLY_DESKTOP = "A web page cannot do this; the desktop app can.";
const TOKEN_NEEDED: Notice = { code: "unauthorized", message: "This server asks for an access token." };

/** The browser downloads by itself: no fetch, so nothing passes through the page's memory. */
function handOver(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.rel = "noopener";
  document.body.append(link);
  link.click();
  link.remove();
}

export function httpBackend(): Backend {
  let revision = 0;
  let asking = false;
  const listeners = new Set<(event: ClientEvent) => void>();
  const rows = () => jobs.entries.map((entry) => rowOf(entry, entry.job, entry.refusal, ++revision));
  const tell = (removed: string[], notices: Notice[] = []) => {
    const changed = rows();
    for (const listener of listeners) listener({ changed, removed, totals: totalsOf(changed), server: jobs.link, notices });
  };
  const jobs = new WebJobs({
    handOver,
    changed: (removed) => { tell(removed); },
    unauthorized: () => {
      if (!asking) tell([], [TOKEN_NEEDED]);
      asking = true;
    },
  });
  const absent = () => Promise.reject(new BackendError("absent", ONLY_DESKTOP));
  const now = () => { jobs.poke(); };

  return {
    absent: {
      pause: ONLY_DESKTOP, open: ONLY_DESKTOP, showInFolder: ONLY_DESKTOP, segments: ONLY_DESKTOP, settings: ONLY_DESKTOP,
      chooseFolder: ONLY_DESKTOP, deleteFile: ONLY_DESKTOP,
    },
    snapshot() {
      const downloads = rows();
      return Promise.resolve({ downloads, totals: totalsOf(downloads), server: jobs.link, notices: [] });
    },
    subscribe(listener) {
      listeners.add(listener);
      window.addEventListener("online", now);
      jobs.start();
      return () => {
        listeners.delete(listener);
        window.removeEventListener("online", now);
        if (listeners.size === 0) jobs.stop();
      };
    },
    async files(query, cursor) {
      const search = new URLSearchParams({ limit: "50", ...(query ? { query } : {}), ...(cursor ? { cursor } : {}) });
      return (await ask<FilesPage>("GET", `/v1/files?${search}`)).reply;
    },
    add: (request) => Promise.resolve({ ids: jobs.add(request.items) }),
    act: (action, ids) => action === "cancel" ? jobs.cancel(ids) : action === "retry" ? jobs.retry(ids) : absent(),
    remove: (ids) => jobs.remove(ids),
    segments: absent, settings: absent, setSettings: absent, open: absent, showInFolder: absent, chooseFolder: absent,
    dismissNotices: () => Promise.resolve(),
    signIn(token) {
      keepToken(token);
      asking = false;
      jobs.poke();
    },
  };
}
