// The page's jobs against a server that answers, refuses, forgets and goes away.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { JobView } from "../backend/generated/JobView";
import { WebJobs } from "./web-jobs";

interface Call { method: string; path: string; key: string | null }
type Answer = { status: number; body: unknown; headers?: Record<string, string> } | Error;

let calls: Call[];
let answer: (call: Call) => Answer;

function storage(): Storage {
  const held = new Map<string, string>();
  return { getItem: (name: string) => held.get(name) ?? null, setItem: (name: string, value: string) => { held.set(name, value); } } as Storage;
}

function job(status: JobView["status"], over: Partial<JobView> = {}): JobView {
  return {
    jobId: "job-1", status, progress: 0, result: null, error: null, stage: "queued", bytesDone: 0, bytesTotal: null, queuePosition: 0,
    attempt: 0, maxAttempts: 3, cancelsAt: null, fileName: "a.bin", createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:00Z", ...over,
  };
}

const COMPLETED = job("completed", {
  progress: 100,
  result: { downloadUrl: "http://s3/a", expiresAt: "", size: 1, etag: "", sha256: "", crc64nvme: "", manifestUrl: "", artifactExpiresAt: "" },
});
const ACCEPTED: Answer = { status: 202, body: { jobId: "job-1", status: "pending", checkUrl: "", durability: "fsync" } };

function served(view: JobView): (call: Call) => Answer {
  return (call) => call.method === "POST" ? ACCEPTED : { status: 200, body: { jobs: [view], missing: [] } };
}

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  vi.stubGlobal("localStorage", storage());
  vi.stubGlobal("sessionStorage", storage());
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    const call = { method: init.method ?? "GET", path, key: new Headers(init.headers).get("idempotency-key") };
    calls.push(call);
    const given = answer(call);
    if (given instanceof Error) return Promise.reject(given);
    return Promise.resolve(new Response(JSON.stringify(given.body), { status: given.status, headers: given.headers ?? {} }));
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function page() {
  const handed: string[] = [];
  const removed: string[] = [];
  const refused = vi.fn();
  const jobs = new WebJobs({ handOver: (url) => handed.push(url), changed: (ids) => removed.push(...ids), unauthorized: refused });
  return { jobs, handed, removed, refused };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const file = { kind: "file", fileId: 7 } as const;

describe("the page's jobs", () => {
  it("initiates at once and asks every two seconds, never two at a time", async () => {
    answer = served(job("processing", { progress: 10 }));
    const { jobs } = page();
    jobs.add([file]);
    jobs.start();
    await pass(0);
    const first = calls.filter((call) => call.path.startsWith("/v1/jobs?ids=")).length;
    await pass(10_000);
    expect(calls.filter((call) => call.path.startsWith("/v1/jobs?ids=")).length - first).toBe(5);
    expect(calls.filter((call) => call.method === "POST")).toHaveLength(1);
  });

  it("hands a completed file to the browser once, and not again after a reload", async () => {
    answer = served(COMPLETED);
    const first = page();
    first.jobs.add([file]);
    first.jobs.start();
    await pass(6_000);
    expect(first.handed).toEqual(["http://s3/a"]);
    first.jobs.stop();
    const reloaded = page();
    reloaded.jobs.start();
    await pass(6_000);
    expect(reloaded.jobs.entries).toHaveLength(1);
    expect(reloaded.handed).toEqual([]);
  });

  it("says that the server is away after five failures, backs off, and comes back when it answers", async () => {
    answer = () => new Error("refused");
    const { jobs } = page();
    jobs.start();
    await pass(0);
    await pass(6_000);
    expect(jobs.link.state).toBe("connecting");
    await pass(2_000);
    expect(jobs.link.state).toBe("offline");
    const tries = calls.length;
    await pass(120_000);
    expect(calls.length - tries).toBeLessThan(12);
    answer = served(job("pending"));
    jobs.poke();
    await pass(0);
    expect(jobs.link.state).toBe("online");
  });

  it("begins a forgotten job anew under the same key", async () => {
    let forgotten = false;
    answer = (call) => {
      if (call.method === "POST") return ACCEPTED;
      return { status: 200, body: forgotten ? { jobs: [], missing: ["job-1"] } : { jobs: [job("pending")], missing: [] } };
    };
    const { jobs } = page();
    const [id] = jobs.add([file]);
    jobs.start();
    await pass(0);
    forgotten = true;
    await pass(2_000);
    forgotten = false;
    await pass(2_000);
    expect(calls.filter((call) => call.method === "POST").map((call) => call.key)).toEqual([id, id]);
  });

  it("waits as a 429 says and goes on asking for the others", async () => {
    let posts = 0;
    answer = (call) => {
      if (call.method !== "POST") return { status: 200, body: { jobs: [job("processing")], missing: [] } };
      posts += 1;
      return posts === 1 ? ACCEPTED : { status: 429, body: { code: "rate_limited", detail: "wait" }, headers: { "retry-after": "9" } };
    };
    const { jobs } = page();
    jobs.add([file]);
    jobs.start();
    await pass(0);
    jobs.add([file]);
    await pass(0);
    const asked = calls.length;
    await pass(8_900);
    expect(calls.length).toBe(asked);
    expect(calls.at(-1)?.path).toBe("/v1/jobs?ids=job-1");
    await pass(200);
    expect(posts).toBe(3);
    expect(jobs.entries.every((entry) => entry.refusal === null)).toBe(true);
  });

  it("asks for a token on 401 and loses nothing meanwhile", async () => {
    answer = () => ({ status: 401, body: { code: "unauthorized", detail: "token" } });
    const { jobs, refused } = page();
    jobs.add([file]);
    jobs.start();
    await pass(0);
    expect(refused).toHaveBeenCalled();
    answer = served(job("pending"));
    jobs.poke();
    await pass(0);
    expect(jobs.entries[0]?.job?.status).toBe("pending");
  });

  it("keeps a row whose job could not be cancelled", async () => {
    answer = served(job("processing"));
    const { jobs, removed } = page();
    const [id] = jobs.add([file]);
    jobs.start();
    await pass(0);
    answer = () => new Error("refused");
    await expect(jobs.remove([id ?? ""])).rejects.toThrow("refused");
    expect(jobs.entries).toHaveLength(1);
    answer = () => ({ status: 200, body: job("failed") });
    await jobs.remove([id ?? ""]);
    expect(removed).toEqual([id]);
  });

  it("stops asking when the page is left", async () => {
    answer = served(job("processing"));
    const { jobs } = page();
    jobs.add([file]);
    jobs.start();
    await pass(0);
    jobs.stop();
    const asked = calls.length;
    await pass(60_000);
    expect(calls.length).toBe(asked);
    expect(calls.some((call) => call.method === "DELETE")).toBe(false);
  });
});
