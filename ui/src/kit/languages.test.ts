// Figures, dates and names are written and sorted as the language of the window has it, whatever the browser's is.
import { afterEach, expect, test, vi } from "vitest";
import { localeOf } from "../i18n/t";

afterEach(() => { vi.unstubAllGlobals(); });

/** The window as it is when that language was chosen on a machine that speaks American English. */
async function spoken(language: string) {
  vi.resetModules();
  vi.stubGlobal("navigator", { languages: ["en-US"], language: "en-US" });
  vi.stubGlobal("localStorage", { getItem: (key: string) => (key === "longhaul.language" ? JSON.stringify(language) : null) });
  return {
    ...await import("./format"), ...await import("../i18n/t"), ...await import("../downloads/shown"),
    ...await import("../settings/number-field"),
  };
}
const NOW = new Date(2026, 10, 25, 14, 5);
const at = (...then: [number, number, number, number, number]) => new Date(...then).toISOString();

test("German: a decimal comma, points between thousands, its dates", async () => {
  const de = await spoken("de");
  expect(de.bytes(84_200_000)).toBe("84,2 MB");
  expect(de.speed(1_500)).toBe("1,5 kB/s");
  expect(de.exactBytes(2_040_109_466)).toBe("2.040.109.466 B");
  expect(de.whole(10_000)).toBe("10.000");
  expect(de.lapse(412)).toBe("0,4 s");
  expect(de.typed(2500.5)).toBe("2500,5");
  expect(de.numberOf("2,5")).toBe(2.5);
  expect(de.numberOf("1.000")).toBe(1000);
  expect(de.numberOf("2.5")).toBe(2.5);
  expect(de.t("nDownloads", { count: 10_000 })).toBe("10.000 Downloads");
  expect(de.when(at(2026, 10, 25, 9, 5), NOW)).toBe("heute 09:05");
  expect(de.when(at(2026, 10, 23, 9, 5), NOW)).toBe("23. Nov.");
  expect(de.when(at(2025, 10, 23, 9, 5), NOW)).toBe("23. Nov. 2025");
  expect(de.soon(at(2026, 10, 26, 9, 5), NOW)).toMatch(/^Donnerstag.*09:05/u);
  expect(de.time(at(2026, 10, 25, 9, 5))).toBe("09:05:00");
  expect(de.stamp(at(2026, 10, 25, 9, 5))).toMatch(/^25\.11\.2026, 09:05:00/u);
});

test("Japanese: its dates and order", async () => {
  const ja = await spoken("ja");
  expect(ja.bytes(84_200_000)).toBe("84.2 MB");
  expect(ja.whole(10_000)).toBe("10,000");
  expect(ja.when(at(2026, 10, 23, 9, 5), NOW)).toBe("11月23日");
  expect(ja.when(at(2025, 10, 23, 9, 5), NOW)).toBe("2025年11月23日");
  expect(ja.soon(at(2026, 10, 26, 9, 5), NOW)).toContain("木曜日");
  expect(ja.time(at(2026, 10, 25, 9, 5))).toBe("9:05:00");
});

test("Chinese: its dates, and names by their sound", async () => {
  const zh = await spoken("zh");
  expect(zh.bytes(999_950)).toBe("1.0 MB");
  expect(zh.when(at(2026, 10, 23, 9, 5), NOW)).toBe("11月23日");
  expect(zh.soon(at(2026, 10, 26, 9, 5), NOW)).toContain("星期四");
  // By code point, 北 comes before 阿.
  const rows = ["重庆", "北京", "阿里", "上海"].map((name, id) => ({ id: String(id), name }) as never as Parameters<typeof zh.sourceOf>[0]);
  const names = zh.createSorter()(rows, { by: "name", down: false }).map((row) => row.name);
  expect(names).toEqual(["阿里", "北京", "上海", "重庆"].sort(new Intl.Collator("zh").compare));
  expect(names[0]).toBe("阿里");
});

test("the region of the system is kept where it speaks the chosen language", () => {
  expect(localeOf("en", ["de-AT", "en-GB"])).toBe("en-GB");
  expect(localeOf("de", ["en-US", "de-CH"])).toBe("de-CH");
  expect(localeOf("de", ["en-US"])).toBe("de");
  expect(localeOf("ja", [])).toBe("ja");
  expect(localeOf("en", ["en-no tag"])).toBe("en");
});
