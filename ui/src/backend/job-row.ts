// Shows the page's jobs as the list's rows.
import type { Entry, PageJobs } from "../downloads/page-jobs";
import { t } from "../i18n/t";
import type { Action } from "./generated/Action";
import type { AddItem } from "./generated/AddItem";
import type { DownloadState } from "./generated/DownloadState";
import type { DownloadView } from "./generated/DownloadView";
import type { JobView } from "./generated/JobView";
import type { Notice } from "./generated/Notice";
import type { Snapshot } from "./generated/Snapshot";
import type { Totals } from "./generated/Totals";

/** What the page remembers of a click over a reload. */
export interface Remembered {
  id: string;
  item: AddItem;
  jobId: string | null;
  addedAt: string;
  /** The browser's download was started: never twice. */
  handed: boolean;
}

/** The page's own refusal, where the server has no job to tell it. */
export interface Refusal {
  code: string;
  message: string;
}

function stateOf(job: JobView | null, refusal: Refusal | null): DownloadState {
  if (refusal) return "failed";
  if (!job || job.status === "pending") return "queued";
  if (job.status === "processing") return "preparing";
  if (job.status === "completed") return "completed";
  return job.error?.code === "cancelled" ? "cancelled" : "failed";
}

function actionsOf(state: DownloadState, job: JobView | null, refusal: Refusal | null): Action[] {
  if (state === "queued" || state === "preparing") return job ? ["cancel", "remove"] : ["remove"];
  if (refusal || state === "cancelled" || job?.error?.retryable) return ["retry", "remove"];
  return state === "completed" ? ["open", "remove"] : ["remove"];
}

/** An entry is never changed, so its row is made once: a row that is the same is not drawn again. */
const rows = new WeakMap<Entry, DownloadView>();

function rowOf(entry: Entry): DownloadView {
  const row = rows.get(entry) ?? viewOf(entry);
  rows.set(entry, row);
  return row;
}

/** The whole list, with what must be told. */
export function snapshotOf({ entries, link, locked, forgetful }: PageJobs): Snapshot {
  const downloads = entries.map(rowOf);
  const notices: Notice[] = [];
  // The page's own, in its language already.
  if (locked) notices.push({ code: "token_needed", message: t("tokenNeeded") });
  if (forgetful === "tell") notices.push({ code: "page_not_kept", message: t("notKept") });
  return { downloads, totals: totalsOf(downloads), server: link, servers: [], notices };
}

function viewOf(entry: Entry): DownloadView {
  const { job, refusal, ...r } = entry;
  const state = stateOf(job, refusal);
  const named = r.item.kind === "file" ? (r.item.name ?? `#${r.item.fileId}`) : r.item.url;
  const fault = refusal ?? job?.error ?? null;
  return {
    id: r.id,
    jobId: r.jobId,
    name: job?.fileName ?? named,
    source: r.item.kind === "file" ? { kind: "file", fileId: r.item.fileId } : { kind: "url", url: r.item.url },
    server: null,
    state,
    can: actionsOf(state, job, refusal),
    size: job?.result?.size ?? job?.bytesTotal ?? null,
    made: job && {
      percent: job.progress,
      stage: job.stage,
      done: job.bytesDone,
      total: job.bytesTotal,
      queuePosition: job.queuePosition,
      attempt: job.attempt,
      maxAttempts: job.maxAttempts,
    },
    pulled: null,
    speed: null,
    etaSeconds: null,
    fault: fault && {
      code: fault.code,
      message: fault.message,
      kept: 0,
      fix: refusal || job?.error?.retryable ? "retry" : "none",
    },
    folder: "",
    path: null,
    sha256: job?.result?.sha256 ?? null,
    wantedSha256: null,
    crc64nvme: job?.result?.crc64nvme ?? null,
    proven: false,
    limit: null,
    place: 0,
    moments: [{ kind: "clicked", at: r.addedAt }, ...(job ? [{ kind: "accepted" as const, at: job.createdAt }] : [])],
    addedAt: r.addedAt,
    endedAt: job && (job.status === "completed" || job.status === "failed") ? job.updatedAt : null,
    revision: 0,
  };
}

function totalsOf(downloads: readonly DownloadView[]): Totals {
  const count = (...states: DownloadState[]) => downloads.filter((row) => states.includes(row.state)).length;
  return {
    all: downloads.length,
    active: count("preparing", "downloading", "verifying"),
    waiting: count("queued", "paused"),
    completed: count("completed"),
    failed: count("failed", "cancelled"),
    // The browser pulls, and does not tell how fast.
    speed: 0,
    rests: false,
    slowed: null,
    until: null,
  };
}
