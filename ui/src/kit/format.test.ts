// Figures as a person reads them.
import { expect, test } from "vitest";
import { bytes, duration } from "./format";

test.each([[0, "0 B"], [999, "999 B"], [1000, "1.0 kB"], [999_950, "1.0 MB"], [84_200_000, "84.2 MB"], [12e9, "12.0 GB"]])(
  "%i bytes read %s", (count, text) => { expect(bytes(count)).toBe(text); });

test.each([[0, "0 s"], [59.6, "1 min 0 s"], [130, "2 min 10 s"], [3700, "about an hour"], [7200, "about 2 h"], [260_000, "about 3 days"]])(
  "%d seconds read %s", (seconds, text) => { expect(duration(seconds)).toBe(text); });
