// Each view can be read and reached by all: axe finds nothing, light and dark (and narrow: fits.test.mjs).
import { expect, test } from "vitest";
import { faultsOf } from "./axe.mjs";
import { openView, page } from "./browsing.mjs";
import { SCENES } from "./scenes.mjs";

test.each(Object.keys(SCENES))("%s can be read and reached by all", { timeout: 60_000 }, async (scene) => {
  await openView(scene, { colorScheme: "light" });
  expect(await faultsOf(page), "light").toEqual([]);
  await page.emulateMedia({ colorScheme: "dark" });
  const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(ground).toBe("rgb(22, 23, 26)");
  expect(await faultsOf(page), "dark").toEqual([]);
});
