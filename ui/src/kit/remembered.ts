// A choice that the window remembers over a restart.
import { useState } from "react";

export function useRemembered<Value extends string>(name: string, allowed: readonly [Value, ...Value[]]) {
  const [value, setValue] = useState<Value>(() => {
    const kept = read(`longhaul.${name}`);
    return allowed.find((one) => one === kept) ?? allowed[0];
  });
  const set = (next: Value) => {
    setValue(next);
    try {
      localStorage.setItem(`longhaul.${name}`, next);
    } catch {
      // Where nothing is kept, the choice holds until the window is closed.
    }
  };
  return [value, set] as const;
}

function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
