// What the web page knows of its jobs, and what each answer makes of it: pure, so that a test can
// drive it through any order of events.
import type { JobView } from "../backend/generated/JobView";
import type { ServerLink } from "../backend/generated/ServerLink";
import type { Refusal, Remembered } from "../backend/job-row";

/** One click: what is remembered over a reload, and what the server said last. */
export interface Entry extends Remembered {
  readonly job: JobView | null;
  readonly refusal: Refusal | null;
}

export interface PageJobs {
  /** Newest first; an entry that did not change stays the same object. */
  readonly entries: readonly Entry[];
  readonly link: ServerLink;
  /** The server asks for a token. */
  readonly locked: boolean;
  /** Whether the browser keeps nothing for this page, so that a reload loses the list. */
  readonly forgetful: "no" | "tell" | "told";
}

export type PageEvent =
  | { kind: "added"; entries: readonly Remembered[] }
  | { kind: "accepted"; id: string; jobId: string }
  | { kind: "refused"; id: string; refusal: Refusal }
  | { kind: "polled"; jobs: readonly JobView[]; missing: readonly string[] }
  | { kind: "handed"; id: string }
  | { kind: "restarted"; id: string; jobId: string | null }
  | { kind: "removed"; id: string }
  | { kind: "recalled"; kept: readonly Remembered[] }
  | { kind: "linked"; link: ServerLink; locked: boolean }
  | { kind: "forgetful"; now: "tell" | "told" };

export const NOTHING: PageJobs = { entries: [], link: { state: "connecting" }, locked: false, forgetful: "no" };

export function apply(before: PageJobs, event: PageEvent): PageJobs {
  const { entries } = before;
  const change = (id: string, over: Partial<Entry>): PageJobs => ({
    ...before,
    entries: entries.map((entry) => (entry.id === id ? { ...entry, ...over } : entry)),
  });
  switch (event.kind) {
    case "added": return { ...before, entries: [...event.entries.map(unknown), ...entries] };
    case "accepted": return change(event.id, { jobId: event.jobId });
    case "refused": return change(event.id, { refusal: event.refusal });
    case "handed": return change(event.id, { handed: true });
    case "restarted": return change(event.id, { jobId: event.jobId, job: null, refusal: null, handed: false });
    case "removed": return { ...before, entries: entries.filter((entry) => entry.id !== event.id) };
    case "polled": return { ...before, entries: polled(entries, event.jobs, event.missing) };
    case "recalled": return { ...before, entries: recalled(entries, event.kept) };
    case "linked": return { ...before, link: event.link, locked: event.locked };
    case "forgetful": return { ...before, forgetful: event.now };
  }
}

/** Whether nothing more is to be learnt of it by asking. */
export function isOver(entry: Entry): boolean {
  if (entry.refusal !== null || entry.job?.status === "failed") return true;
  return entry.job?.status === "completed" && entry.handed;
}

/** The completed job's presigned URL, while the browser has not been given it. */
export function toHandOver(entry: Entry): { url: string; name: string } | null {
  const { job, handed } = entry;
  if (handed || job?.status !== "completed" || !job.result) return null;
  return { url: job.result.downloadUrl, name: job.fileName };
}

export function remembered(entries: readonly Entry[]): Remembered[] {
  return entries.map(({ id, item, jobId, addedAt, handed }) => ({ id, item, jobId, addedAt, handed }));
}

function unknown(kept: Remembered): Entry {
  return { ...kept, job: null, refusal: null };
}

/** A forgotten job is to be initiated anew; one that was handed over is off the list. */
function polled(entries: readonly Entry[], jobs: readonly JobView[], missing: readonly string[]): Entry[] {
  const told = new Map(jobs.map((job) => [job.jobId, job]));
  const gone = new Set(missing);
  return entries.flatMap((entry) => {
    if (entry.jobId === null) return [entry];
    if (gone.has(entry.jobId)) return entry.handed ? [] : [{ ...entry, jobId: null, job: null }];
    const job = told.get(entry.jobId);
    return [job && !same(job, entry.job) ? { ...entry, job } : entry];
  });
}

/** Another tab's list takes the place of ours; what the server told us of its rows stays. */
function recalled(entries: readonly Entry[], kept: readonly Remembered[]): Entry[] {
  const known = new Map(entries.map((entry) => [entry.id, entry]));
  return kept.map((one) => {
    const entry = known.get(one.id);
    if (!entry) return unknown(one);
    if (entry.jobId === one.jobId && entry.handed === one.handed) return entry;
    return { ...entry, jobId: one.jobId ?? entry.jobId, handed: one.handed };
  });
}

/** Whether a row would look the same: each answer signs its link afresh, which is no change. */
function same(now: JobView, before: JobView | null): boolean {
  return before !== null && before.status === now.status && before.updatedAt === now.updatedAt
    && before.progress === now.progress && before.bytesDone === now.bytesDone && before.stage === now.stage
    && before.queuePosition === now.queuePosition && before.attempt === now.attempt;
}
