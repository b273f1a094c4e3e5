// @vitest-environment jsdom
// The hook's way, sentence by sentence: initiate, poll, back off, hand over, leave and come back.
import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { COMPLETED, type FakeServer, fakeServer, job, served } from "./fake-server";
import { useDownloadJob } from "./use-download-job";
import { KEPT, WebJobs } from "./web-jobs";

let server: FakeServer;

beforeEach(() => { server = fakeServer(); });
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const FILE = { kind: "file", fileId: 7 } as const;
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const tell = (event: Event) => { act(() => { window.dispatchEvent(event); }); };

/** A page that was just opened. */
function open() {
  const handed: string[] = [];
  const jobs = new WebJobs((url) => handed.push(url));
  const { result, unmount } = renderHook(() => useDownloadJob(jobs));
  const initiate = () => { act(() => { jobs.initiate([FILE]); }); };
  return { jobs, handed, unmount, initiate, state: () => result.current };
}

it("initiates at once under the click's own key, and shows the row before the server answers", async () => {
  server.answer = served(job("pending"));
  const page = open();
  await pass(0);
  page.initiate();
  expect(page.state().entries).toMatchObject([{ job: null, item: FILE }]);
  await pass(0);
  expect(server.posts()).toEqual([{ method: "POST", path: "/v1/jobs/download", key: page.state().entries[0]?.id }]);
  expect(page.state().entries[0]?.job?.status).toBe("pending");
});

it("polls every two seconds", async () => {
  server.answer = served(job("processing"));
  const page = open();
  page.initiate();
  await pass(0);
  const first = server.polls().length;
  await pass(1_999);
  expect(server.polls().length - first).toBe(0);
  await pass(1);
  expect(server.polls().length - first).toBe(1);
  await pass(8_000);
  expect(server.polls().length - first).toBe(5);
});

it("never has two polls under way, however late an answer comes", async () => {
  let late = 0;
  server.answer = async (call) => {
    if (call.path.startsWith("/v1/jobs?ids=")) await new Promise((resolve) => { setTimeout(resolve, late); });
    return served(job("processing"))(call);
  };
  const page = open();
  page.initiate();
  await pass(0);
  late = 7_000;
  await pass(2_001);
  const sent = server.polls().length;
  await pass(6_990);
  page.jobs.poke();
  expect(server.polls()).toHaveLength(sent);
  late = 0;
  await pass(20);
  expect(server.polls(), "the poke waited for the answer").toHaveLength(sent + 1);
});

it("shows a notice after the fifth failure in a row, and not before", async () => {
  server.answer = () => new Error("refused");
  const page = open();
  await pass(6_000);
  expect(server.calls).toHaveLength(4);
  expect(page.state().link.state).toBe("connecting");
  await pass(2_000);
  expect(page.state().link).toMatchObject({ state: "offline", reason: "The server does not answer." });
});

it("waits longer each time after that, with jitter, to sixty seconds, and shows when it tries again", async () => {
  server.answer = () => new Error("refused");
  const random = vi.spyOn(Math, "random").mockReturnValue(0.5);
  const page = open();
  await pass(8_000);
  const waits: number[] = [];
  for (let n = 0; n < 7; n += 1) {
    const { link } = page.state();
    if (link.state !== "offline") throw new Error("no notice");
    const wait = Date.parse(link.nextTryAt) - Date.now();
    const tries = server.calls.length;
    await pass(wait - 1);
    expect(server.calls).toHaveLength(tries);
    await pass(1);
    expect(server.calls).toHaveLength(tries + 1);
    waits.push(wait / 1000);
  }
  expect(waits).toEqual([3, 6, 12, 24, 45, 45, 45]);
  random.mockReturnValue(0.999_999);
  await pass(45_000);
  const { link } = page.state();
  expect(link.state === "offline" && Math.round((Date.parse(link.nextTryAt) - Date.now()) / 1000)).toBe(60);
});

it("is back at the first answer, and at once when the network is", async () => {
  server.answer = () => new Error("refused");
  const page = open();
  await pass(60_000);
  server.answer = served(job("pending"));
  tell(new Event("online"));
  await pass(0);
  expect(page.state().link.state).toBe("online");
  const tries = server.calls.length;
  await pass(2_000);
  expect(server.calls).toHaveLength(tries + 1);
});

it("gives the presigned URL to the browser when the job is completed, once, and asks no more", async () => {
  server.answer = served(job("processing"));
  const page = open();
  page.initiate();
  await pass(2_000);
  expect(page.handed).toEqual([]);
  server.answer = served(COMPLETED);
  await pass(2_000);
  expect(page.handed).toEqual(["http://s3/a"]);
  const polls = server.polls().length;
  await pass(10_000);
  expect(server.polls()).toHaveLength(polls);
  page.unmount();
  const reloaded = open();
  await pass(10_000);
  expect(reloaded.state().entries).toHaveLength(1);
  expect(reloaded.handed).toEqual([]);
});

it.each([
  ["unmounted", (page: ReturnType<typeof open>) => { page.unmount(); }],
  ["hidden for good", () => { tell(new Event("pagehide")); }],
])("a page that is %s asks no more, and cancels nothing", async (_, leave) => {
  server.answer = served(job("processing"));
  const page = open();
  page.initiate();
  await pass(0);
  leave(page);
  const asked = server.calls.length;
  await pass(120_000);
  expect(server.calls).toHaveLength(asked);
  expect(server.calls.some((call) => call.method === "DELETE")).toBe(false);
});

it("goes on when the page is shown again, and hands over what was finished meanwhile", async () => {
  server.answer = served(job("processing"));
  const page = open();
  page.initiate();
  await pass(0);
  tell(new Event("pagehide"));
  server.answer = served(COMPLETED);
  await pass(60_000);
  expect(page.handed).toEqual([]);
  tell(new Event("pageshow"));
  await pass(0);
  expect(page.handed).toEqual(["http://s3/a"]);
  expect(server.posts()).toHaveLength(1);
});

it("leaves an answer that comes after the page was left for the next visit", async () => {
  server.answer = served(job("processing"));
  const page = open();
  page.initiate();
  await pass(0);
  server.answer = async (call) => {
    await new Promise((resolve) => { setTimeout(resolve, 1_000); });
    return served(COMPLETED)(call);
  };
  await pass(2_500);
  page.unmount();
  await pass(5_000);
  expect(page.handed).toEqual([]);
  server.answer = served(COMPLETED);
  const later = open();
  await pass(0);
  expect(later.handed).toEqual(["http://s3/a"]);
});

it("takes over what another tab did to the list, and hands nothing over that the other did", async () => {
  server.answer = served(job("processing"));
  const page = open();
  page.initiate();
  await pass(0);
  const kept = JSON.parse(localStorage.getItem(KEPT) ?? "[]") as { handed: boolean }[];
  localStorage.setItem(KEPT, JSON.stringify(kept.map((one) => ({ ...one, handed: true }))));
  tell(new StorageEvent("storage", { key: KEPT }));
  server.answer = served(COMPLETED);
  await pass(2_000);
  expect(page.state().entries[0]?.job?.status).toBe("completed");
  expect(page.handed).toEqual([]);
});
