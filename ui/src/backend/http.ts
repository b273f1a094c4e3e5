// The web page's backend: plain HTTP against the server that served the page.
import { useMemo } from "react";
import { useDownloadJob } from "../downloads/use-download-job";
import { WebJobs } from "../downloads/web-jobs";
import { t } from "../i18n/t";
import { type Arrival, BackendError, type Backend } from "./backend";
import type { FilesPage } from "./generated/FilesPage";
import { snapshotOf } from "./job-row";
import { ask, keepToken } from "./wire";

/** The browser downloads by itself: no fetch, so nothing passes through the page's memory. */
export function handOver(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.rel = "noopener";
  document.body.append(link);
  link.click();
  link.remove();
}

/** The browser's own storage has the list at once. */
const THERE: Arrival = { stage: "there" };

export function httpBackend(): Backend {
  const jobs = new WebJobs(handOver);
  const absent = () => Promise.reject(new BackendError("absent", t("onlyDesktop")));

  return {
    absent: {
      settings: t("noSettings"), pull: t("onlyDesktop"), deleteFile: t("onlyDesktop"), undo: t("onlyDesktop"),
      steer: t("onlyDesktop"),
    },
    useList() {
      const state = useDownloadJob(jobs);
      return useMemo(() => snapshotOf(state), [state]);
    },
    useArrival: () => THERE,
    reload: () => undefined,
    async files(_, query, cursor) {
      const search = new URLSearchParams({ limit: "50", ...(query ? { query } : {}), ...(cursor ? { cursor } : {}) });
      return (await ask<FilesPage>("GET", `/v1/files?${search}`)).reply;
    },
    add: (request) => Promise.resolve({ ids: jobs.initiate(request.items) }),
    act(action, ids) {
      switch (action) {
        case "cancel": return jobs.cancel(ids);
        case "retry": return jobs.retry(ids);
        // Here a file is opened by the browser: it is handed over once more.
        case "open": return jobs.save(ids);
        default: return absent();
      }
    },
    remove: (ids) => jobs.remove(ids),
    restore: absent,
    place: absent,
    limit: absent,
    segments: absent,
    settings: absent,
    setSettings: absent,
    servers: null,
    system: null,
    chooseFolder: absent,
    dismissNotices: () => { jobs.understood(); },
    signIn(token) {
      keepToken(token);
      jobs.poke();
    },
    tryNow: () => { jobs.poke(); },
  };
}
