// Looks up a string by its typed key and fills in its values.
import { en } from "./en";

export type Key = keyof typeof en;

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return en[key].replace(/\{(\w+)\}/gu, (whole, name: string) => String(values[name] ?? whole));
}
