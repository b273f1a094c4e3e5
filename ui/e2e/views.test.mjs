// Each view can be read and reached by all: axe finds nothing, light, dark and narrow.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { launch } from "./chromium.mjs";
import { serve } from "./desk.mjs";
import { openScene, SCENES } from "./scenes.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const LOOKS = {
  "light": { colorScheme: "light" }, "dark": { colorScheme: "dark" }, "narrow": { colorScheme: "light", width: 800 },
};
const every = Object.keys(SCENES).flatMap((scene) => Object.keys(LOOKS).map((look) => [scene, look]));

let site;
let browser;
let page;
beforeAll(async () => {
  site = await serve();
  browser = await launch();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  site?.stop();
});
afterEach(() => page?.close());

test.each(every)("%s can be read and reached by all, when it is %s", { timeout: 60_000 }, async (scene, look) => {
  page = await openScene(browser, site.url, SCENES[scene], LOOKS[look]);
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }));
  expect(found.passes.map((rule) => rule.id)).toContain("color-contrast");
  expect(found.violations.map((rule) => `${rule.id}: ${rule.nodes[0].html}`)).toEqual([]);
});
