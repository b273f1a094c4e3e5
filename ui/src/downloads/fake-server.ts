// For tests: a server in place of fetch, which answers as the test says and remembers what was asked.
import { vi } from "vitest";
import type { JobView } from "../backend/generated/JobView";

export interface Call {
  method: string;
  path: string;
  key: string | null;
}

export type Answer = { status: number; body: unknown; headers?: Record<string, string> } | Error;

export interface FakeServer {
  calls: Call[];
  /** What was asked of jobs that exist. */
  polls: () => Call[];
  posts: () => Call[];
  answer: (call: Call) => Answer | Promise<Answer>;
}

/** Fake timers, empty storage and a server; `vi.unstubAllGlobals` and real timers end it. */
export function fakeServer(): FakeServer {
  const server: FakeServer = {
    calls: [],
    polls: () => server.calls.filter((call) => call.path.startsWith("/v1/jobs?ids=")),
    posts: () => server.calls.filter((call) => call.method === "POST"),
    answer: () => new Error("no answer was given"),
  };
  vi.useFakeTimers();
  vi.stubGlobal("localStorage", storage());
  vi.stubGlobal("sessionStorage", storage());
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    const call = { method: init.method ?? "GET", path, key: new Headers(init.headers).get("idempotency-key") };
    server.calls.push(call);
    const given = await server.answer(call);
    if (given instanceof Error) throw given;
    return new Response(JSON.stringify(given.body), { status: given.status, headers: given.headers ?? {} });
  });
  return server;
}

function storage(): Storage {
  const held = new Map<string, string>();
  return {
    getItem: (name: string) => held.get(name) ?? null,
    setItem: (name: string, value: string) => { held.set(name, value); },
  } as Storage;
}

export function job(status: JobView["status"], over: Partial<JobView> = {}): JobView {
  return {
    jobId: "job-1", status, progress: 0, result: null, error: null, stage: "queued", bytesDone: 0, bytesTotal: null,
    queuePosition: 0, attempt: 0, maxAttempts: 3, cancelsAt: null, fileName: "a.bin",
    createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:00Z", ...over,
  };
}

export const COMPLETED = job("completed", {
  progress: 100,
  result: {
    downloadUrl: "http://s3/a", expiresAt: "", size: 1, etag: "", sha256: "", crc64nvme: "", manifestUrl: "",
    artifactExpiresAt: "",
  },
});

export const ACCEPTED: Answer = {
  status: 202,
  body: { jobId: "job-1", status: "pending", checkUrl: "", durability: "fsync" },
};

/** A server that accepts every job and says this of it. */
export function served(view: JobView): (call: Call) => Answer {
  return (call) => (call.method === "POST" ? ACCEPTED : { status: 200, body: { jobs: [view], missing: [] } });
}
