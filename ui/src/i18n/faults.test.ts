import { expect, test } from "vitest";
import type { DownloadFault } from "../backend/generated/DownloadFault";
import { FAULTS, faultOf } from "./faults";
import { LANGUAGES } from "./t";

const fault = (code: string): DownloadFault => ({ code, message: "The disk is full; 3 MB are missing.", kept: 0, fix: "retry" });

test("a fault is told in the window's language, and as it was said where its code is unknown", () => {
  expect(faultOf(fault("disk_full"), "de")).toContain("voll");
  expect(faultOf(fault("disk_full"), "ja")).toContain("ディスク");
  expect(faultOf(fault("disk_full"), "en")).toBe("The disk is full. Free some space, then retry.");
  expect(faultOf(fault("of_tomorrow"), "zh")).toBe("The disk is full; 3 MB are missing.");
});

test("every language has a sentence for the same faults", () => {
  const codes = Object.keys(FAULTS["de"] ?? {}).sort();
  expect(codes.length).toBeGreaterThan(30);
  for (const language of Object.keys(LANGUAGES)) {
    expect([language, Object.keys(FAULTS[language] ?? {}).sort()]).toEqual([language, codes]);
  }
});
