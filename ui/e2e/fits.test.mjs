// No word is cut in any language where the window is narrow: what is too long wraps, or is a name or a
// sentence whose whole is told by a tooltip. It can be read and reached by all, too.
import { expect, test } from "vitest";
import { faultsOf } from "./axe.mjs";
import { openView, page } from "./browsing.mjs";
import { SCENES } from "./scenes.mjs";

const LANGUAGES = ["en", "de", "es", "ja", "zh"];
const WIDTH = 800;

/** Runs in the page: what is cut, or runs out of its box. */
function cut() {
  const LABELS = "button, label, h1, h2, h3, [role=columnheader], dt, legend, [data-testid=server-state]";
  const painter = document.createElement("canvas").getContext("2d");
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    const { width, height } = element.getBoundingClientRect();
    // What is there for screen readers alone is of one pixel; what is drawn has no words.
    if (width <= 1 || height <= 1 || style.visibility === "hidden" || element.closest("svg, [role=progressbar]")) continue;
    const said = `${element.tagName.toLowerCase()} “${(element.textContent || element.placeholder || "").trim().slice(0, 60)}”`;
    if (element.matches("input, textarea")) {
      if (element.value || !element.placeholder) continue;
      painter.font = style.font;
      const room = element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      const needed = painter.measureText(element.placeholder).width;
      if (needed > room + 1) found.push(`${said}: ${Math.round(needed)} in ${Math.round(room)}`);
      continue;
    }
    const isLine = style.display !== "inline" && element.clientWidth > 0;
    const wide = isLine && element.scrollWidth > element.clientWidth + 1;
    const high = style.webkitLineClamp !== "none" && element.scrollHeight > element.clientHeight + 1;
    if (!wide && !high) continue;
    const isName = element.matches("bdi") || element.querySelector(":scope > bdi") !== null;
    const whole = element.closest("[title], [data-tip]");
    const isCutAsMeant = high || style.textOverflow === "ellipsis" || isName;
    if (isCutAsMeant && whole && (isName || !whole.matches(LABELS))) continue;
    found.push(`${said}: ${element.scrollWidth} in ${element.clientWidth}`);
  }
  return found;
}

const every = LANGUAGES.flatMap((language) => Object.keys(SCENES).map((scene) => [language, scene]));

test.each(every)("%s: no word is cut in %s", { timeout: 60_000 }, async (locale, scene) => {
  await openView(scene, { locale, width: WIDTH });
  expect(await page.evaluate(() => document.documentElement.lang)).toBe(locale);
  expect(await page.evaluate(cut)).toEqual([]);
  // Whatever the words are.
  if (locale === "en") expect(await faultsOf(page)).toEqual([]);
});
