// One download as text to paste.
import { expect, test } from "vitest";
import type { DownloadView } from "../backend/generated/DownloadView";
import { detailsOf } from "./as-text";

const ROW = {
  name: "a.zip", state: "failed", source: { kind: "direct", url: "https://example.org/a.zip?key=secret" }, size: 7,
  folder: "/home/ada", path: null, jobId: null, made: null, pulled: null, moments: [],
  fault: { code: "http_status", message: "the server answered 418", kept: 0, fix: "retry" },
} as unknown as DownloadView;

test("who helps reads what happened in the words it was told in, and no secret", () => {
  const lines = detailsOf(ROW).split("\n");
  expect(lines[0]).toBe("a.zip");
  expect(lines).toContain("Error: http_status: the server answered 418");
  expect(lines).toContain("Source: https://example.org/a.zip?…");
  expect(detailsOf({ ...ROW, state: "completed", fault: null })).not.toContain("Error");
});
