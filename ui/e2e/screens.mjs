// Pictures of each view, light and dark, at three widths, some in other languages: `npm run screens`
// writes ../docs/screens. With names of views (`npm run screens -- list menu`), only those.
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch } from "./chromium.mjs";
import { serve } from "./desk.mjs";
import { openScene, SCENES } from "./scenes.mjs";

const OUT = fileURLToPath(new URL("../../docs/screens/", import.meta.url));
const WIDTHS = [800, 1280, 1920];
/** Only to be looked at by axe and for what is cut. */
const UNSEEN = new Set(["adding-what-is-unclear", "settings-system", "settings-wrong-number", "update-failed"]);
/** Seen in these languages too, at one width. */
const SPOKEN = { locales: ["de", "ja", "zh"], scenes: ["list", "adding", "settings", "offline", "notices", "timetable"], width: 800 };

const wanted = process.argv.slice(2);
const isWanted = (scene) => (wanted.length === 0 ? !UNSEEN.has(scene) : wanted.includes(scene));
if (wanted.length === 0) rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const site = await serve();
const browser = await launch();
async function draw(name, scene, look) {
  const page = await openScene(browser, site.url, SCENES[scene], look);
  await page.screenshot({ path: `${OUT}${name}.png` });
  await page.close();
}
for (const scene of Object.keys(SCENES).filter(isWanted)) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of WIDTHS) await draw(`${scene}-${colorScheme}-${width}`, scene, { colorScheme, width });
  }
}
for (const locale of SPOKEN.locales) {
  for (const scene of SPOKEN.scenes.filter(isWanted)) {
    await draw(`${scene}-${locale}-${SPOKEN.width}`, scene, { locale, colorScheme: "light", width: SPOKEN.width });
  }
}
await browser.close();
site.stop();
