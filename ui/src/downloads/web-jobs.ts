// Drives the web page's jobs: initiates, polls for all of them together, hands each completed file
// to the browser once. The pace is in poll-schedule.ts, what is known in page-jobs.ts, and when the
// page polls at all in use-download-job.ts.
import type { AddItem } from "../backend/generated/AddItem";
import type { InitiateReply } from "../backend/generated/InitiateReply";
import type { InitiateRequest } from "../backend/generated/InitiateRequest";
import type { JobsReply } from "../backend/generated/JobsReply";
import type { JobView } from "../backend/generated/JobView";
import type { ServerLink } from "../backend/generated/ServerLink";
import type { Remembered } from "../backend/job-row";
import { BackendError } from "../backend/backend";
import { ask, ServerRefused } from "../backend/wire";
import { apply, type Entry, isOver, NOTHING, type PageEvent, type PageJobs, remembered, toHandOver } from "./page-jobs";
import { answered, failed, type PollState } from "./poll-schedule";

/** Where the browser keeps the list, for a reload and for other tabs. */
export const KEPT = "longhaul.jobs";
/** The most jobs that one poll may name. */
const PER_POLL = 200;
/** A turn with thousands of answers is shown while it goes on, but no more often. */
const QUIET = 250;

/** Starts the browser's own download. */
export type HandOver = (url: string, name: string) => void;

function recall(): Remembered[] {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "[]") as Remembered[];
  } catch {
    return [];
  }
}

/** A refusal that another try may lift: 401 after signing in, 429 and 5xx with time. */
function mayPass(error: unknown): boolean {
  return !(error instanceof ServerRefused) || error.status === 401 || error.status === 429 || error.status >= 500;
}

export class WebJobs {
  private now: PageJobs = apply(NOTHING, { kind: "recalled", kept: recall() });
  private readonly watchers = new Set<() => void>();
  private pace: PollState = { failures: 0 };
  private timer: ReturnType<typeof setTimeout> | undefined;
  private told = 0;
  private running = false;
  private again = false;
  private stopped = true;

  constructor(private readonly handOver: HandOver) {}

  readonly state = (): PageJobs => this.now;

  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => { this.watchers.delete(watcher); };
  };

  /** Polls from now on. */
  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    void this.turn();
  }

  /** Polls no more; the jobs go on. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Polls at once: the network is back, or something is new. */
  poke(): void {
    if (!this.stopped) void this.turn();
  }

  /** Another tab changed the list. */
  recall(): void {
    this.happen({ kind: "recalled", kept: recall() });
  }

  /** The user knows that the browser keeps nothing. */
  understood(): void {
    if (this.now.forgetful === "tell") this.happen({ kind: "forgetful", now: "told" });
  }

  initiate(items: AddItem[]): string[] {
    const entries = items.map((item) => (
      { id: crypto.randomUUID(), item, jobId: null, addedAt: new Date().toISOString(), handed: false }
    ));
    this.happen({ kind: "added", entries });
    this.keep();
    this.poke();
    return entries.map((entry) => entry.id);
  }

  async cancel(ids: string[]): Promise<void> {
    for (const entry of this.find(ids)) if (entry.jobId) await ask("DELETE", `/v1/jobs/${entry.jobId}`);
    this.poke();
  }

  async retry(ids: string[]): Promise<void> {
    for (const entry of this.find(ids)) {
      if (entry.jobId) await ask("POST", `/v1/jobs/${entry.jobId}/retry`, {});
      this.happen({ kind: "restarted", id: entry.id, jobId: entry.jobId });
    }
    this.keep();
    this.poke();
  }

  /** Hands finished files over once more, by a link signed afresh; what is gone is made again. */
  async save(ids: string[]): Promise<void> {
    for (const { id, jobId } of this.find(ids)) {
      if (jobId === null) continue;
      const { reply } = await ask<JobsReply>("GET", `/v1/jobs?ids=${jobId}`);
      const job = reply.jobs[0];
      if (job?.result) this.handOver(job.result.downloadUrl, job.fileName);
      else if (job) this.happen({ kind: "polled", jobs: [job], missing: [] });
      else this.happen({ kind: "restarted", id, jobId: null });
    }
    this.keep();
    this.poke();
  }

  /** Takes rows off the list; a job that still runs is cancelled first, and stays where that fails. */
  async remove(ids: string[]): Promise<void> {
    for (const entry of this.find(ids)) {
      if (entry.jobId && !isOver(entry)) {
        await ask("DELETE", `/v1/jobs/${entry.jobId}`).catch((error: unknown) => {
          if (!(error instanceof ServerRefused && error.status === 404)) throw error;
        });
      }
      this.happen({ kind: "removed", id: entry.id });
      this.keep();
    }
  }

  private find(ids: string[]): Entry[] {
    return this.now.entries.filter((entry) => ids.includes(entry.id));
  }

  private happen(event: PageEvent): void {
    this.now = apply(this.now, event);
    if (!this.running || Date.now() - this.told >= QUIET) this.tell();
  }

  private tell(): void {
    this.told = Date.now();
    for (const watcher of this.watchers) watcher();
  }

  private keep(): void {
    try {
      const kept = JSON.stringify(remembered(this.now.entries));
      if (kept !== localStorage.getItem(KEPT)) localStorage.setItem(KEPT, kept);
    } catch {
      if (this.now.forgetful === "no") this.happen({ kind: "forgetful", now: "tell" });
    }
  }

  private async turn(): Promise<void> {
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = true;
    clearTimeout(this.timer);
    let wait = await this.poll().then((retryAfter) => this.went(retryAfter), (error: unknown) => this.went(null, error));
    this.running = false;
    this.tell();
    this.keep();
    if (this.again) wait = 0;
    this.again = false;
    // Chained, not repeated: one poll never overlaps the next.
    if (!this.stopped) this.timer = setTimeout(() => void this.turn(), wait);
  }

  /** Takes in how a poll went; answers how long to wait for the next. */
  private went(retryAfter: number | null, error?: unknown): number {
    if (error === undefined) {
      const next = answered(retryAfter);
      this.pace = next.state;
      this.happen({ kind: "linked", link: { state: "online" }, locked: false });
      return next.wait;
    }
    const refused = error instanceof ServerRefused ? error : null;
    const next = failed(this.pace, refused?.retryAfter ?? null, Math.random());
    this.pace = next.state;
    const { code, message: reason } = error instanceof BackendError ? error : { code: "", message: String(error) };
    const link: ServerLink = next.tell
      ? { state: "offline", code, reason, nextTryAt: new Date(Date.now() + next.wait).toISOString() }
      : this.now.link;
    this.happen({ kind: "linked", link, locked: refused?.status === 401 });
    return next.wait;
  }

  private async poll(): Promise<number | null> {
    let trouble: unknown = null;
    for (const entry of this.now.entries.filter((one) => !one.jobId && !one.refusal)) {
      // One that has to wait keeps nobody else from being asked for.
      await this.post(entry).catch((error: unknown) => { trouble = error; });
      if (trouble) break;
    }
    const asked = this.now.entries.filter((one) => one.jobId && !isOver(one)).map((one) => one.jobId);
    // With nothing to ask for, the catalogue tells how the way to the server is.
    if (asked.length === 0 && !trouble) await ask<unknown>("GET", "/v1/files?limit=1");
    let retryAfter: number | null = null;
    for (let from = 0; from < asked.length; from += PER_POLL) {
      const ids = asked.slice(from, from + PER_POLL).join(",");
      const answer = await ask<JobsReply>("GET", `/v1/jobs?ids=${ids}`);
      // The soonest of all: a job that ends soon is not kept waiting by the others.
      if (answer.retryAfter !== null) retryAfter = Math.min(retryAfter ?? answer.retryAfter, answer.retryAfter);
      this.take(answer.reply.jobs, answer.reply.missing);
    }
    if (trouble instanceof ServerRefused && trouble.status === 429) {
      return Math.max(retryAfter ?? 0, trouble.retryAfter ?? 0);
    }
    if (trouble) throw trouble as Error;
    return retryAfter;
  }

  private async post(entry: Entry): Promise<void> {
    const { item } = entry;
    const body: InitiateRequest = item.kind === "file" ? { file_id: item.fileId } : { url: item.url };
    try {
      const { reply } = await ask<InitiateReply>("POST", "/v1/jobs/download", body, { "Idempotency-Key": entry.id });
      this.happen({ kind: "accepted", id: entry.id, jobId: reply.jobId });
    } catch (error) {
      if (mayPass(error)) throw error;
      const { code, message } = error as ServerRefused;
      this.happen({ kind: "refused", id: entry.id, refusal: { code, message } });
    }
  }

  private take(jobs: JobView[], missing: string[]): void {
    this.happen({ kind: "polled", jobs, missing });
    // An answer that comes after the page was left waits for the next visit.
    if (this.stopped) return;
    for (const entry of this.now.entries) {
      const file = toHandOver(entry);
      if (!file) continue;
      // Kept first: no other tab, and no reload, hands it over again.
      this.happen({ kind: "handed", id: entry.id });
      this.keep();
      this.handOver(file.url, file.name);
    }
  }
}
