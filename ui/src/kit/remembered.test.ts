import { beforeEach, expect, test, vi } from "vitest";

const stored = new Map<string, string>();

async function opened(look?: { run: string; choices: Record<string, unknown> }) {
  vi.resetModules();
  vi.stubGlobal("window", { __LONGHAUL_LOOK__: look });
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => { stored.set(key, value); },
  });
  return import("./remembered");
}

beforeEach(() => { stored.clear(); });

test("what the app kept comes before what the web view still holds of an earlier start", async () => {
  stored.set("longhaul.theme", '"light"');
  stored.set("longhaul.density", '"compact"');
  const { keptAs } = await opened({ run: "1", choices: { theme: "dark" } });
  expect(keptAs("theme")).toBe("dark");
  expect(keptAs("density")).toBe("compact");
});

test("a page that is loaded anew in the same start keeps its later choices", async () => {
  const look = { run: "1", choices: { language: "de" } };
  await (await opened(look)).keep("language", "ja");
  expect((await opened(look)).keptAs("language")).toBe("ja");
  expect((await opened({ run: "2", choices: { language: "ja" } })).keptAs("language")).toBe("ja");
});

test("choices are written one after the other, each its latest, and none is lost by a failure", async () => {
  const { keep, keepBy } = await opened();
  const written: [string, unknown][] = [];
  keepBy(async (name, value) => {
    await Promise.resolve();
    written.push([name, value]);
    if (value === 1) throw new Error("full");
  });
  void keep("columns", 1);
  void keep("columns", 2);
  void keep("sort", "name");
  await keep("columns", 3);
  expect(written).toEqual([["columns", 1], ["columns", 3], ["sort", "name"]]);
});
