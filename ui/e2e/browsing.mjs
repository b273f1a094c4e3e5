// The built page, served, and one browser for the tests of a file, which open a page each.
import { afterAll, afterEach, beforeAll } from "vitest";
import { launch } from "./chromium.mjs";
import { serve } from "./desk.mjs";
import { openScene, SCENES } from "./scenes.mjs";

/** The one that is open. */
export let page;
let site;
let browser;

beforeAll(async () => {
  site = await serve();
  browser = await launch();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  site?.stop();
});
afterEach(() => page?.close());

/** Opens the test's page, by whoever is given the browser and the address. */
export async function opens(by) {
  page = await by(browser, site.url);
}

/** Opens a view by its name. */
export const openView = (scene, look) => opens((at, url) => openScene(at, url, SCENES[scene], look));
