// No language misses a string, or one of a string's values.
import { expect, test } from "vitest";
import { en } from "./en";
import { type Key, LANGUAGES, languageOf, type Words } from "./t";

const keys = Object.keys(en) as Key[];
const valuesOf = (text: string) => [...text.matchAll(/\{(\w+)\}/gu)].map((found) => found[1]).sort();

test.each(Object.keys(LANGUAGES))("%s says everything, with the same values", (tag) => {
  const words = LANGUAGES[tag]?.words as Words;
  expect(Object.keys(words).sort()).toEqual([...keys].sort());
  for (const key of keys) {
    expect(words[key].trim(), key).not.toBe("");
    expect(valuesOf(words[key]), key).toEqual(valuesOf(en[key]));
  }
});

test("the chosen language is spoken, else the system's first that is known, else English", () => {
  expect(languageOf("ja", ["de"])).toBe("ja");
  expect(languageOf("system", ["fr-FR", "de-AT", "es"])).toBe("de");
  expect(languageOf(null, ["fr"])).toBe("en");
  expect(languageOf("klingon", ["de"])).toBe("en");
  expect(languageOf(7, ["zh-Hans-CN"])).toBe("zh");
});
