// The page's jobs against a server that refuses, forgets and asks for a token. How they are polled
// for, and what leaving the page does, is in use-download-job.test.ts.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ACCEPTED, COMPLETED, type FakeServer, fakeServer, job, served } from "./fake-server";
import { WebJobs } from "./web-jobs";

let server: FakeServer;

beforeEach(() => { server = fakeServer(); });
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const FILE = { kind: "file", fileId: 7 } as const;

async function running(): Promise<{ jobs: WebJobs; id: string; handed: string[] }> {
  const handed: string[] = [];
  const jobs = new WebJobs((url) => handed.push(url));
  const [id = ""] = jobs.initiate([FILE]);
  jobs.start();
  await pass(0);
  return { jobs, id, handed };
}

it("begins a forgotten job anew under the same key", async () => {
  let forgotten = false;
  server.answer = (call) => {
    if (call.method === "POST") return ACCEPTED;
    const body = forgotten ? { jobs: [], missing: ["job-1"] } : { jobs: [job("pending")], missing: [] };
    return { status: 200, body };
  };
  const { id } = await running();
  forgotten = true;
  await pass(2_000);
  forgotten = false;
  await pass(2_000);
  expect(server.posts().map((call) => call.key)).toEqual([id, id]);
});

it("waits as a 429 says and goes on asking for the others", async () => {
  let posts = 0;
  server.answer = (call) => {
    if (call.method !== "POST") return { status: 200, body: { jobs: [job("processing")], missing: [] } };
    posts += 1;
    const limited = { status: 429, body: { code: "rate_limited", detail: "wait" }, headers: { "retry-after": "9" } };
    return posts === 1 ? ACCEPTED : limited;
  };
  const { jobs } = await running();
  jobs.initiate([FILE]);
  await pass(0);
  const asked = server.calls.length;
  await pass(8_900);
  expect(server.calls).toHaveLength(asked);
  expect(server.calls.at(-1)?.path).toBe("/v1/jobs?ids=job-1");
  await pass(200);
  expect(posts).toBe(3);
  expect(jobs.state().entries.every((entry) => entry.refusal === null)).toBe(true);
});

it("asks for a token on 401 and loses nothing meanwhile", async () => {
  server.answer = () => ({ status: 401, body: { code: "unauthorized", detail: "token" } });
  const { jobs } = await running();
  expect(jobs.state().locked).toBe(true);
  server.answer = served(job("pending"));
  jobs.poke();
  await pass(0);
  expect(jobs.state().locked).toBe(false);
  expect(jobs.state().entries[0]?.job?.status).toBe("pending");
});

it("shows a refusal that no other try lifts in its row, and asks for it no more", async () => {
  server.answer = (call) => (
    call.method === "POST"
      ? { status: 404, body: { code: "unknown_file", detail: "There is no file 7." } }
      : { status: 200, body: { files: [], nextCursor: null } }
  );
  const { jobs } = await running();
  await pass(10_000);
  expect(server.posts()).toHaveLength(1);
  expect(jobs.state().entries[0]?.refusal).toEqual({ code: "unknown_file", message: "There is no file 7." });
});

it("keeps a row whose job could not be cancelled", async () => {
  server.answer = served(job("processing"));
  const { jobs, id } = await running();
  server.answer = () => new Error("refused");
  await expect(jobs.remove([id])).rejects.toThrow("does not answer");
  expect(jobs.state().entries).toHaveLength(1);
  server.answer = () => ({ status: 200, body: job("failed") });
  await jobs.remove([id]);
  expect(jobs.state().entries).toEqual([]);
});

it("saves a finished file again by a fresh link, and has one that is gone made again", async () => {
  server.answer = served(COMPLETED);
  const { jobs, id, handed } = await running();
  await jobs.save([id]);
  expect(handed).toEqual(["http://s3/a", "http://s3/a"]);
  server.answer = (call) => (
    call.method === "POST" ? ACCEPTED : { status: 200, body: { jobs: [], missing: ["job-1"] } }
  );
  await jobs.save([id]);
  await pass(0);
  expect(server.posts().map((call) => call.key)).toEqual([id, id]);
});

it("leaves a row that nothing happened to the same object, so that it is not drawn again", async () => {
  server.answer = served(job("processing", { progress: 10 }));
  const { jobs } = await running();
  const before = jobs.state().entries[0];
  await pass(2_000);
  expect(jobs.state().entries[0]).toBe(before);
  server.answer = served(job("processing", { progress: 11 }));
  await pass(2_000);
  expect(jobs.state().entries[0]?.job?.progress).toBe(11);
});

it("shows a turn of many answers a few times, not once for each", async () => {
  server.answer = (call) => {
    if (call.method === "POST") return { status: 202, body: { ...COMPLETED, jobId: call.key ?? "" } };
    const ids = new URLSearchParams(call.path.slice(call.path.indexOf("?"))).get("ids")?.split(",") ?? [];
    return { status: 200, body: { jobs: ids.map((jobId) => job("processing", { jobId })), missing: [] } };
  };
  const jobs = new WebJobs(vi.fn());
  let shown = 0;
  jobs.watch(() => { shown += 1; });
  jobs.initiate(Array.from({ length: 1_000 }, () => FILE));
  jobs.start();
  await pass(0);
  expect(jobs.state().entries.every((entry) => entry.job?.status === "processing")).toBe(true);
  expect(shown).toBeLessThan(10);
});

it("goes on without storage, and says once that nothing is kept", async () => {
  vi.stubGlobal("localStorage", {
    getItem: () => { throw new Error("denied"); },
    setItem: () => { throw new Error("denied"); },
  });
  server.answer = served(COMPLETED);
  const { jobs, handed } = await running();
  expect(handed).toHaveLength(1);
  expect(jobs.state().forgetful).toBe("tell");
  jobs.understood();
  await pass(4_000);
  expect(jobs.state().forgetful).toBe("told");
});
