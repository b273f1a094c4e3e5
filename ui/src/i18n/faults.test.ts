import { expect, test } from "vitest";
import type { DownloadFault } from "../backend/generated/DownloadFault";
import { faultOf } from "./faults";

const fault = (code: string): DownloadFault => ({ code, message: "The disk is full; 3 MB are missing.", kept: 0, fix: "retry" });

test("a fault is told in the window's language, and as it was said where that is English or it is unknown", () => {
  expect(faultOf(fault("disk_full"), "de")).toContain("voll");
  expect(faultOf(fault("disk_full"), "ja")).toContain("ディスク");
  expect(faultOf(fault("disk_full"), "en")).toBe("The disk is full; 3 MB are missing.");
  expect(faultOf(fault("of_tomorrow"), "zh")).toBe("The disk is full; 3 MB are missing.");
});
