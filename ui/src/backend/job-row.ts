// Shows a server's job as a row of the list, for the web page.
import type { Action } from "./generated/Action";
import type { AddItem } from "./generated/AddItem";
import type { DownloadState } from "./generated/DownloadState";
import type { DownloadView } from "./generated/DownloadView";
import type { JobView } from "./generated/JobView";
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
  return ["remove"];
}

/** One row; `revision` must grow with each call for the same row. */
export function rowOf(r: Remembered, job: JobView | null, refusal: Refusal | null, revision: number): DownloadView {
  const state = stateOf(job, refusal);
  const named = r.item.kind === "file" ? (r.item.name ?? `#${r.item.fileId}`) : r.item.url;
  const fault = refusal ?? job?.error ?? null;
  return {
    id: r.id,
    jobId: r.jobId,
    name: job?.fileName ?? named,
    source: r.item.kind === "file" ? { kind: "file", fileId: r.item.fileId } : { kind: "url", url: r.item.url },
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
    crc64nvme: job?.result?.crc64nvme ?? null,
    moments: [{ kind: "clicked", at: r.addedAt }, ...(job ? [{ kind: "accepted" as const, at: job.createdAt }] : [])],
    addedAt: r.addedAt,
    endedAt: job && (job.status === "completed" || job.status === "failed") ? job.updatedAt : null,
    revision,
  };
}

export function totalsOf(rows: readonly DownloadView[]): Totals {
  const count = (...states: DownloadState[]) => rows.filter((row) => states.includes(row.state)).length;
  return {
    all: rows.length,
    active: count("preparing", "downloading", "verifying"),
    waiting: count("queued", "paused"),
    completed: count("completed"),
    failed: count("failed", "cancelled"),
    speed: rows.reduce((sum, row) => sum + (row.speed ?? 0), 0),
  };
}
