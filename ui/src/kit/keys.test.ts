// How keys are written.
import { afterEach, expect, test, vi } from "vitest";
import { chord, keyName } from "./keys";

afterEach(() => { vi.unstubAllGlobals(); });

test("keys are written as the keyboard has them", () => {
  expect([chord("N", false), chord("N", true)]).toEqual(["Ctrl N", "⌘N"]);
  expect([keyName("k_shiftDelete", false), keyName("k_shiftDelete", true)]).toEqual(["Shift Del", "⇧⌫"]);
  expect([keyName("k_space", false), keyName("k_space", true)]).toEqual(["Space", "Space"]);
});

test("a German keyboard has Strg and Entf", async () => {
  vi.resetModules();
  vi.stubGlobal("navigator", { languages: ["de-DE"], language: "de-DE", userAgent: "X11; Linux" });
  const keys = await import("./keys");
  expect([keys.chord("N"), keys.keyName("k_delete"), keys.keyName("k_altHome")]).toEqual(["Strg N", "Entf", "Alt Pos1"]);
  // On a keyboard of Apple's too, ⌘ is ⌘.
  expect(keys.chord("N", true)).toBe("⌘N");
});
