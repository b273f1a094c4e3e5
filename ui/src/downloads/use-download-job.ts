// The web page's way of a download, from the click to the browser's own download:
// initiate → poll every 2 s, chained → after five failures a notice and a growing wait → completed:
// the browser fetches the presigned URL. Leaving the page stops the polling and not the job, and
// coming back goes on. Any component that shows jobs mounts this; polling lasts as long as it does.
import { useEffect, useSyncExternalStore } from "react";
import type { PageJobs } from "./page-jobs";
import { KEPT, type WebJobs } from "./web-jobs";

export function useDownloadJob(jobs: WebJobs): PageJobs {
  useEffect(() => {
    const leave = () => { jobs.stop(); };
    const come = () => { jobs.start(); };
    const poke = () => { jobs.poke(); };
    const changedElsewhere = (event: StorageEvent) => { if (event.key === KEPT) jobs.recall(); };
    come();
    // A page that the browser keeps for "back" is never unmounted: these two tell.
    window.addEventListener("pagehide", leave);
    window.addEventListener("pageshow", come);
    window.addEventListener("online", poke);
    window.addEventListener("storage", changedElsewhere);
    return () => {
      leave();
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("pageshow", come);
      window.removeEventListener("online", poke);
      window.removeEventListener("storage", changedElsewhere);
    };
  }, [jobs]);
  return useSyncExternalStore(jobs.watch, jobs.state);
}
