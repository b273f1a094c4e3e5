// Choices that the window remembers over a restart.
import { useState } from "react";

export function useRemembered<Value extends string>(name: string, allowed: readonly [Value, ...Value[]]) {
  return useKept(name, (kept) => allowed.find((one) => one === kept) ?? allowed[0]);
}

/** The same for anything that JSON can hold; `read` makes a value of whatever was kept. */
export function useKept<Value>(name: string, read: (kept: unknown) => Value) {
  const [value, setValue] = useState<Value>(() => read(keptAs(name)));
  const set = (next: Value) => {
    setValue(next);
    keep(name, next);
  };
  return [value, set] as const;
}

export function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem(`longhaul.${name}`, JSON.stringify(value));
  } catch {
    // Where nothing is kept, the choice holds until the window is closed.
  }
}

export function keptAs(name: string): unknown {
  let text: string | null = null;
  try {
    text = localStorage.getItem(`longhaul.${name}`);
    return text === null ? null : JSON.parse(text);
  } catch {
    // As it was written before there was more to keep than words.
    return text;
  }
}
