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
    void keep(name, next);
  };
  return [value, set] as const;
}

interface Look {
  /** Of this start of the app: a page that is loaded anew in it has later choices of its own. */
  run: string;
  choices: Record<string, unknown>;
}

/** Writes a choice down where it outlives the app for sure. */
type Keeper = (name: string, value: unknown) => Promise<void>;

const RUN = "longhaul.run";
let keeper: Keeper | null = null;
const unwritten = new Map<string, unknown>();
let writing: Promise<void> | null = null;

/** What the desktop app kept of earlier starts: the web view may not have written its own in time. */
function takeOver(look: Look | undefined): void {
  try {
    if (!look || localStorage.getItem(RUN) === look.run) return;
    for (const [name, value] of Object.entries(look.choices)) {
      localStorage.setItem(`longhaul.${name}`, JSON.stringify(value));
    }
    localStorage.setItem(RUN, look.run);
  } catch {
    // As below.
  }
}

if (typeof window !== "undefined") {
  takeOver((window as { __LONGHAUL_LOOK__?: Look }).__LONGHAUL_LOOK__);
}

export function keepBy(by: Keeper): void {
  keeper = by;
}

/** Done when it is written down. */
export function keep(name: string, value: unknown): Promise<void> {
  try {
    localStorage.setItem(`longhaul.${name}`, JSON.stringify(value));
  } catch {
    // Where nothing is kept, the choice holds until the window is closed.
  }
  if (!keeper) return Promise.resolve();
  // While a column is drawn wider, only the latest of its widths is written.
  unwritten.set(name, value);
  writing ??= write(keeper).finally(() => { writing = null; });
  return writing;
}

async function write(by: Keeper): Promise<void> {
  for (let next = first(); next; next = first()) {
    unwritten.delete(next[0]);
    await by(...next).catch(() => undefined);
  }
}

function first(): [string, unknown] | undefined {
  return unwritten.entries().next().value;
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
