// The job server as the web page sees it, made up: for the page's own views. What the two really say to
// each other is driven by web.mjs.
import { FILES } from "./desk.mjs";

const IDS = ["made", "waiting", "done", "failed"];

function job(id, at, now) {
  const over = {
    made: { status: "processing", stage: "producing", progress: 42, bytesDone: 840_000_000, bytesTotal: 2_000_000_000 },
    waiting: { status: "pending", stage: "queued", queuePosition: 3 },
    done: { status: "completed", stage: "done", progress: 100, result: {
      downloadUrl: "/nothing", expiresAt: "", size: 12_000_000, etag: "", sha256: "9f2c".repeat(16), crc64nvme: "",
      manifestUrl: "", artifactExpiresAt: "",
    } },
    failed: { status: "failed", error: { code: "source_missing", message: "footage.mov is gone", retryable: false } },
  }[id];
  const when = new Date(now - (at + 1) * 60_000).toISOString();
  return {
    jobId: id, status: "pending", progress: 0, result: null, error: null, stage: "queued", bytesDone: 0, bytesTotal: null,
    queuePosition: null, attempt: 1, maxAttempts: 3, cancelsAt: null, fileName: FILES[at].name, createdAt: when,
    updatedAt: when, ...over,
  };
}

/** Puts it behind a page; with `jobs`, the page remembers some; with `locked`, it wants a token. */
export async function serverOf(page, { jobs = false, locked = false }, now) {
  const kept = IDS.map((id, at) => ({
    id, item: { kind: "file", fileId: FILES[at].fileId }, jobId: id, addedAt: new Date(now - at * 60_000).toISOString(),
    handed: true,
  }));
  await page.addInitScript((list) => { localStorage.setItem("longhaul.jobs", JSON.stringify(list)); }, jobs ? kept : []);
  await page.route("**/v1/**", (route) => {
    if (locked) {
      return route.fulfill({ status: 401, json: { code: "unauthorized", detail: "a valid token is needed" } });
    }
    const { pathname } = new URL(route.request().url());
    return route.fulfill({ json: pathname === "/v1/files"
      ? { files: FILES, nextCursor: null }
      : { jobs: IDS.map((id, at) => job(id, at, now)), missing: [] } });
  });
}
