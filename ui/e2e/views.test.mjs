// Each view can be read and reached by all: axe finds nothing, light and dark (and narrow: fits.test.mjs).
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { faultsOf } from "./axe.mjs";
import { launch } from "./chromium.mjs";
import { serve } from "./desk.mjs";
import { openScene, SCENES } from "./scenes.mjs";

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

test.each(Object.keys(SCENES))("%s can be read and reached by all", { timeout: 60_000 }, async (scene) => {
  page = await openScene(browser, site.url, SCENES[scene], { colorScheme: "light" });
  expect(await faultsOf(page), "light").toEqual([]);
  await page.emulateMedia({ colorScheme: "dark" });
  const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(ground).toBe("rgb(22, 23, 26)");
  expect(await faultsOf(page), "dark").toEqual([]);
});
