// What axe finds on a page: each fault of WCAG 2.2 A and AA, with the first element that has it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function faultsOf(page) {
  await page.evaluate(axe);
  const { passes, violations } = await page.evaluate(
    () => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }),
  );
  const faults = violations.map((rule) => `${rule.id}: ${rule.nodes[0].html}`);
  return passes.some((rule) => rule.id === "color-contrast") ? faults : ["color-contrast: nothing was looked at", ...faults];
}
