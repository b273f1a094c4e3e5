// Looks up a string by its typed key, in the language of the window, and fills in its values.
import { keptAs } from "../kit/remembered";
import { de } from "./de";
import { en } from "./en";
import { es } from "./es";
import { ja } from "./ja";
import { zh } from "./zh";

export type Key = keyof typeof en;
/** Every string of a language: one that is missing does not compile. */
export type Words = Record<Key, string>;

export const LANGUAGES: Record<string, { name: string; words: Words }> = {
  en: { name: "English", words: en },
  zh: { name: "中文", words: zh },
  de: { name: "Deutsch", words: de },
  es: { name: "Español", words: es },
  ja: { name: "日本語", words: ja },
};

/** What was chosen, else the first of the system's languages that is spoken here. */
export function languageOf(chosen: unknown, spoken: readonly string[]): string {
  const wanted = typeof chosen === "string" && chosen !== "system" ? [chosen] : spoken;
  const found = wanted.map((tag) => tag.toLowerCase().split("-")[0] ?? "").find((tag) => Object.hasOwn(LANGUAGES, tag));
  return found ?? "en";
}

/** How figures, dates and names are written and sorted: as the language has it, in the system's region of it. */
export function localeOf(spokenHere: string, spoken: readonly string[]): string {
  const regional = spoken.find((tag) => tag.toLowerCase().split("-")[0] === spokenHere);
  try {
    return (regional && Intl.getCanonicalLocales(regional)[0]) || spokenHere;
  } catch {
    // A system may name what is no language tag.
    return spokenHere;
  }
}

const system = typeof navigator === "undefined" ? [] : (navigator.languages ?? [navigator.language]);
/** Of this window; another choice takes hold when it is loaded anew. */
export const language = languageOf(keptAs("language"), system);
export const locale = localeOf(language, system);
const figures = new Intl.NumberFormat(locale);
const words = LANGUAGES[language]?.words ?? en;
if (typeof document !== "undefined") document.documentElement.lang = language;

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return words[key].replace(/\{(\w+)\}/gu, (whole, name: string) => {
    const value = values[name] ?? whole;
    return typeof value === "number" ? figures.format(value) : value;
  });
}
