// The colours hold WCAG 2.2 AA in both themes: text 4.5:1 (1.4.3), what else must be seen 3:1 (1.4.11).
import { expect, test } from "vitest";
import css from "./theme.css?raw";

type Theme = Record<string, string>;
const [light, dark]: [Theme, Theme] = [{}, {}];
for (const [, name = "", day = "", night = ""] of css.matchAll(/--color-(\w+): light-dark\((#\w{6}), (#\w{6})\)/gu)) {
  light[name] = day;
  dark[name] = night;
}

/** WCAG's relative luminance. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dim = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dim + 0.05);
}

const TEXT: [colour: string, grounds: string[]][] = [
  ["ink", ["page", "side", "picked", "line"]],
  ["dim", ["page", "side", "picked", "line"]],
  ["bad", ["page", "side", "picked", "line"]],
  ["good", ["page", "side", "picked", "line"]],
  // A row that something is dragged over.
  ["accent", ["page", "picked"]],
  // On buttons, and in tooltips.
  ["page", ["accent", "bad", "ink"]],
];
const MARKS: [what: string, colour: string, grounds: string[]][] = [
  ["a field, a choice, a plain button", "edge", ["page", "side", "picked"]],
  ["a field with a fault", "bad", ["page"]],
  ["a box that is not ticked, a switch that is off, an icon", "dim", ["page", "side", "picked", "line"]],
  ["the focus, what is chosen, what is on", "accent", ["page", "side", "picked", "line"]],
  ["a switch's thumb, a box's tick", "page", ["dim", "accent"]],
  ["the part of the bar that is made", "made", ["line"]],
  ["the part of the bar that is pulled", "accent", ["line"]],
  ["the bar of what rests", "dim", ["line"]],
  ["where a segment begins", "page", ["made", "accent"]],
  ["a server that is there", "good", ["side", "page"]],
  ["a server that is away", "bad", ["side", "page"]],
];

test.each([["light", light], ["dark", dark]])("the %s theme can be read and seen by all", (_, theme) => {
  const of = (name: string) => theme[name] ?? expect.fail(`there is no colour ${name}`);
  for (const [colour, grounds] of TEXT) {
    for (const ground of grounds) {
      expect(contrast(of(colour), of(ground)), `${colour} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
  }
  for (const [what, colour, grounds] of MARKS) {
    for (const ground of grounds) {
      expect(contrast(of(colour), of(ground)), `${what} on ${ground}`).toBeGreaterThanOrEqual(3);
    }
  }
});

test("black on white is 21 to 1", () => { expect(contrast("#000000", "#ffffff")).toBeCloseTo(21); });
