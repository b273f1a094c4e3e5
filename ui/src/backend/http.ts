// The web page's backend: plain HTTP against the server that served the page.
import { answered, failed, type PollState } from "../downloads/poll-schedule";
import { BackendError, type Backend } from "./backend";
import type { ClientEvent } from "./generated/ClientEvent";
import type { FilesPage } from "./generated/FilesPage";
import type { InitiateReply } from "./generated/InitiateReply";
import type { InitiateRequest } from "./generated/InitiateRequest";
import type { JobsReply } from "./generated/JobsReply";
import type { JobView } from "./generated/JobView";
import type { ServerLink } from "./generated/ServerLink";
import { rowOf, totalsOf, type Refusal, type Remembered } from "./job-row";
import { ask, ServerRefused } from "./wire";

const KEPT = "longhaul.jobs";
/** The most jobs that one poll may name. */
const PER_POLL = 200;
const ONLY_DESKTOP = "A web page cannot do this; the desktop app can.";

interface Entry extends Remembered {
  job: JobView | null;
  refusal: Refusal | null;
}

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

function recall(): Entry[] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "[]") as Remembered[];
    return kept.map((r) => ({ ...r, job: null, refusal: null }));
  } catch {
    return [];
  }
}

export function httpBackend(): Backend {
  let entries = recall();
  let revision = 0;
  let link: ServerLink = { state: "connecting" };
  let pace: PollState = { failures: 0 };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let polling = false;
  const listeners = new Set<(event: ClientEvent) => void>();

  const rows = () => entries.map((entry) => rowOf(entry, entry.job, entry.refusal, ++revision));
  const tell = (removed: string[] = []) => {
    const kept = entries.map(({ id, item, jobId, addedAt, handed }) => ({ id, item, jobId, addedAt, handed }));
    localStorage.setItem(KEPT, JSON.stringify(kept));
    const changed = rows();
    for (const listener of listeners) listener({ changed, removed, totals: totalsOf(changed), server: link, notices: [] });
  };
  const ended = (entry: Entry) =>
    entry.refusal !== null || entry.job?.status === "failed" || (entry.job?.status === "completed" && entry.handed);

  async function initiate(entry: Entry): Promise<void> {
    const body: InitiateRequest = entry.item.kind === "file" ? { file_id: entry.item.fileId } : { url: entry.item.url };
    try {
      const { reply } = await ask<InitiateReply>("POST", "/v1/jobs/download", body, { "Idempotency-Key": entry.id });
      entry.jobId = reply.jobId;
    } catch (error) {
      // 429 and 5xx, like a network that failed, are tried again by the poll; the rest is final.
      if (!(error instanceof ServerRefused) || error.status === 429 || error.status >= 500) throw error;
      entry.refusal = { code: error.code, message: error.message };
    }
  }

  function take(job: JobView): void {
    const entry = entries.find((one) => one.jobId === job.jobId);
    if (!entry) return;
    entry.job = job;
    if (job.status === "completed" && job.result && !entry.handed) {
      entry.handed = true;
      handOver(job.result.downloadUrl, job.fileName);
    }
  }

  async function poll(): Promise<number | null> {
    let retryAfter: number | null = null;
    for (const entry of entries.filter((one) => !one.jobId && !one.refusal)) await initiate(entry);
    const asked = entries.filter((one) => one.jobId && !ended(one) && !(one.handed && one.job));
    // With nothing to ask for, the catalogue tells how the way to the server is.
    if (asked.length === 0) await ask<unknown>("GET", "/v1/files?limit=1");
    for (let from = 0; from < asked.length; from += PER_POLL) {
      const ids = asked.slice(from, from + PER_POLL).map((one) => one.jobId).join(",");
      const answer = await ask<JobsReply>("GET", `/v1/jobs?ids=${ids}`);
      retryAfter = answer.retryAfter;
      answer.reply.jobs.forEach(take);
      // A forgotten job is initiated anew under the same key; one handed over already is over.
      entries = entries.filter((one) => !(one.handed && one.jobId && answer.reply.missing.includes(one.jobId)));
      for (const one of entries) if (one.jobId && answer.reply.missing.includes(one.jobId)) one.jobId = null;
    }
    return retryAfter;
  }

  async function turn(): Promise<void> {
    if (polling) return;
    polling = true;
    clearTimeout(timer);
    let wait: number;
    try {
      const next = answered(await poll());
      pace = next.state;
      wait = next.wait;
      link = { state: "online" };
    } catch (error) {
      const next = failed(pace, error instanceof ServerRefused ? error.retryAfter : null, Math.random());
      pace = next.state;
      wait = next.wait;
      const nextTryAt = new Date(Date.now() + wait).toISOString();
      if (next.tell) link = { state: "offline", reason: error instanceof Error ? error.message : String(error), nextTryAt };
    }
    polling = false;
    tell();
    timer = setTimeout(() => void turn(), wait);
  }

  const absent = () => Promise.reject(new BackendError("absent", ONLY_DESKTOP));
  const find = (ids: string[]) => entries.filter((entry) => ids.includes(entry.id));
  const reason = ONLY_DESKTOP;

  async function act(action: string, ids: string[]): Promise<void> {
    if (action !== "cancel" && action !== "retry") return absent();
    for (const entry of find(ids)) {
      if (action === "cancel" && entry.jobId) await ask("DELETE", `/v1/jobs/${entry.jobId}`);
      if (action === "retry") {
        if (entry.jobId) await ask("POST", `/v1/jobs/${entry.jobId}/retry`, {});
        Object.assign(entry, { job: null, refusal: null, handed: false });
      }
    }
    void turn();
  }

  return {
    absent: { pause: reason, open: reason, showInFolder: reason, segments: reason, settings: reason, chooseFolder: reason, deleteFile: reason },
    snapshot() {
      const downloads = rows();
      return Promise.resolve({ downloads, totals: totalsOf(downloads), server: link, notices: [] });
    },
    subscribe(listener) {
      const now = () => void turn();
      listeners.add(listener);
      window.addEventListener("online", now);
      now();
      return () => {
        listeners.delete(listener);
        window.removeEventListener("online", now);
        if (listeners.size === 0) clearTimeout(timer);
      };
    },
    async files(query, cursor) {
      const search = new URLSearchParams({ limit: "50", ...(query ? { query } : {}), ...(cursor ? { cursor } : {}) });
      return (await ask<FilesPage>("GET", `/v1/files?${search}`)).reply;
    },
    add(request) {
      const added = request.items.map((item) => ({
        id: crypto.randomUUID(), item, jobId: null, addedAt: new Date().toISOString(), handed: false, job: null, refusal: null,
      }));
      entries = [...added, ...entries];
      tell();
      void turn();
      return Promise.resolve({ ids: added.map((entry) => entry.id) });
    },
    act,
    async remove(ids) {
      for (const entry of find(ids)) {
        if (entry.jobId && !ended(entry)) await ask("DELETE", `/v1/jobs/${entry.jobId}`).catch(() => null);
      }
      entries = entries.filter((entry) => !ids.includes(entry.id));
      tell(ids);
    },
    segments: absent, settings: absent, setSettings: absent, open: absent, showInFolder: absent, chooseFolder: absent,
    dismissNotices: () => Promise.resolve(),
  };
}
