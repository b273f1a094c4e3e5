// What a row says of itself.
import { expect, test } from "vitest";
import type { DownloadView } from "../backend/generated/DownloadView";
import { sentence } from "./sentence";

const row = (over: object) => ({ fault: null, made: null, pulled: null, path: null, ...over }) as unknown as DownloadView;
const pulled = (done: number, total: number | null, connections = 8) => ({ done, total, connections, trouble: null });

test.each([
  ["downloading", null, "downloading"],
  ["downloading", pulled(0, null), "downloading"],
  ["downloading", pulled(1_500_000, null), "downloading · 1.5 MB so far"],
  ["downloading", pulled(1_500_000, 3_000_000), "downloading · 1.5 MB of 3.0 MB · 8 connections"],
  ["downloading", pulled(1_500_000, 3_000_000, 1), "downloading · 1.5 MB of 3.0 MB · 1 connection"],
  ["paused", pulled(0, null), "paused"],
  ["paused", pulled(1_500_000, null), "paused · 1.5 MB are here"],
  ["paused", pulled(1_500_000, 3_000_000), "paused · 1.5 MB of 3.0 MB kept"],
])("%s with %j is told as: %s", (state, pulled, said) => {
  expect(sentence(row({ state, pulled }), true)).toBe(said);
});
