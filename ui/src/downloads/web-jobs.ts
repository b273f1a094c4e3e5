// The web page's jobs: initiated, polled for together, handed to the browser once; the pure rules
// of the pace are in poll-schedule.ts. Leaving the page stops the polling and not the jobs.
import type { AddItem } from "../backend/generated/AddItem";
import type { InitiateReply } from "../backend/generated/InitiateReply";
import type { InitiateRequest } from "../backend/generated/InitiateRequest";
import type { JobsReply } from "../backend/generated/JobsReply";
import type { JobView } from "../backend/generated/JobView";
import type { ServerLink } from "../backend/generated/ServerLink";
import type { Refusal, Remembered } from "../backend/job-row";
import { ask, ServerRefused } from "../backend/wire";
import { answered, failed, type PollState } from "./poll-schedule";

const KEPT = "longhaul.jobs";
/** The most jobs that one poll may name. */
const PER_POLL = 200;

export interface Entry extends Remembered {
  job: JobView | null;
  refusal: Refusal | null;
}

/** What the jobs need of the page they run in. */
export interface Host {
  /** Starts the browser's own download. */
  handOver: (url: string, name: string) => void;
  /** Called after each turn; `removed` names the rows that are gone. */
  changed: (removed: string[]) => void;
  /** The server asks for a token. */
  unauthorized: () => void;
}

function recall(): Entry[] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "[]") as Remembered[];
    return kept.map((r) => ({ ...r, job: null, refusal: null }));
  } catch {
    return [];
  }
}

/** A refusal that another try may lift: 401 after signing in, 429 and 5xx with time. */
function mayPass(error: unknown): boolean {
  return !(error instanceof ServerRefused) || error.status === 401 || error.status === 429 || error.status >= 500;
}

export class WebJobs {
  entries = recall();
  link: ServerLink = { state: "connecting" };
  private pace: PollState = { failures: 0 };
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running = false;
  private again = false;
  private stopped = true;

  constructor(private readonly host: Host) {}

  /** Polls from now on. */
  start(): void {
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

  add(items: AddItem[]): string[] {
    const added = items.map((item) => ({
      id: crypto.randomUUID(), item, jobId: null, addedAt: new Date().toISOString(), handed: false, job: null, refusal: null,
    }));
    this.entries = [...added, ...this.entries];
    this.keep([]);
    this.poke();
    return added.map((entry) => entry.id);
  }

  async cancel(ids: string[]): Promise<void> {
    for (const entry of this.find(ids)) if (entry.jobId) await ask("DELETE", `/v1/jobs/${entry.jobId}`);
    this.poke();
  }

  async retry(ids: string[]): Promise<void> {
    for (const entry of this.find(ids)) {
      if (entry.jobId) await ask("POST", `/v1/jobs/${entry.jobId}/retry`, {});
      Object.assign(entry, { job: null, refusal: null, handed: false });
    }
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
      this.entries = this.entries.filter((one) => one !== entry);
      this.keep([entry.id]);
    }
  }

  private find(ids: string[]): Entry[] {
    return this.entries.filter((entry) => ids.includes(entry.id));
  }

  private keep(removed: string[]): void {
    const kept = this.entries.map(({ id, item, jobId, addedAt, handed }) => ({ id, item, jobId, addedAt, handed }));
    localStorage.setItem(KEPT, JSON.stringify(kept));
    this.host.changed(removed);
  }

  private async turn(): Promise<void> {
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = true;
    clearTimeout(this.timer);
    let wait: number;
    const before = this.entries.map((entry) => entry.id);
    try {
      const next = answered(await this.poll());
      this.pace = next.state;
      wait = next.wait;
      this.link = { state: "online" };
    } catch (error) {
      if (error instanceof ServerRefused && error.status === 401) this.host.unauthorized();
      const next = failed(this.pace, error instanceof ServerRefused ? error.retryAfter : null, Math.random());
      this.pace = next.state;
      wait = next.wait;
      if (next.tell) {
        const reason = error instanceof Error ? error.message : String(error);
        this.link = { state: "offline", reason, nextTryAt: new Date(Date.now() + wait).toISOString() };
      }
    }
    this.running = false;
    this.keep(before.filter((id) => !this.entries.some((entry) => entry.id === id)));
    if (this.again) wait = 0;
    this.again = false;
    // Chained, not repeated: one poll never overlaps the next.
    if (!this.stopped) this.timer = setTimeout(() => void this.turn(), wait);
  }

  private async poll(): Promise<number | null> {
    let trouble: unknown = null;
    for (const entry of this.entries.filter((one) => !one.jobId && !one.refusal)) {
      // One that has to wait keeps nobody else from being asked for.
      await this.initiate(entry).catch((error: unknown) => { trouble = error; });
      if (trouble) break;
    }
    const asked = this.entries.filter((one) => one.jobId && !isOver(one));
    // With nothing to ask for, the catalogue tells how the way to the server is.
    if (asked.length === 0 && !trouble) await ask<unknown>("GET", "/v1/files?limit=1");
    let retryAfter: number | null = null;
    for (let from = 0; from < asked.length; from += PER_POLL) {
      const ids = asked.slice(from, from + PER_POLL).map((one) => one.jobId).join(",");
      const answer = await ask<JobsReply>("GET", `/v1/jobs?ids=${ids}`);
      retryAfter = answer.retryAfter;
      for (const job of answer.reply.jobs) this.take(job);
      this.forget(answer.reply.missing);
    }
    if (trouble instanceof ServerRefused && trouble.status === 429) return Math.max(retryAfter ?? 0, trouble.retryAfter ?? 0);
    if (trouble) throw trouble as Error;
    return retryAfter;
  }

  private async initiate(entry: Entry): Promise<void> {
    const body: InitiateRequest = entry.item.kind === "file" ? { file_id: entry.item.fileId } : { url: entry.item.url };
    try {
      const { reply } = await ask<InitiateReply>("POST", "/v1/jobs/download", body, { "Idempotency-Key": entry.id });
      entry.jobId = reply.jobId;
    } catch (error) {
      if (mayPass(error)) throw error;
      const refused = error as ServerRefused;
      entry.refusal = { code: refused.code, message: refused.message };
    }
  }

  private take(job: JobView): void {
    const entry = this.entries.find((one) => one.jobId === job.jobId);
    if (!entry) return;
    entry.job = job;
    if (job.status === "completed" && job.result && !entry.handed) {
      entry.handed = true;
      this.host.handOver(job.result.downloadUrl, job.fileName);
    }
  }

  /** A forgotten job is initiated anew under the same key; one that was handed over is off the list. */
  private forget(missing: string[]): void {
    const gone = (one: Entry) => one.jobId !== null && missing.includes(one.jobId);
    this.entries = this.entries.filter((one) => !(one.handed && gone(one)));
    for (const one of this.entries) if (gone(one)) one.jobId = null;
  }
}

/** Whether nothing more is to be learnt of it by asking. */
function isOver(entry: Entry): boolean {
  if (entry.refusal !== null || entry.job?.status === "failed") return true;
  return entry.job?.status === "completed" && entry.handed;
}
