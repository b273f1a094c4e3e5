// A word on what cannot be seen elsewhere, with undo; it goes by itself, but not while it is looked at.
import { useEffect, useState } from "react";
import { t } from "../i18n/t";
import { Button } from "../kit/button";

/** What was done, and how to take it back, where that is possible. */
export interface Said {
  text: string;
  undo: (() => void) | null;
  /** When it was done, in ms since 1970. */
  since: number;
}

const SHOWN = 10_000;
/** Shorter than the shell keeps what was removed: longer than that it cannot be taken back. */
const HELD = 50_000;

/** How long it is still shown, in ms; `held` while somebody looks at it. */
export function leftOf({ undo, since }: Said, held: boolean, now: number): number {
  const left = Math.max(0, since + HELD - now);
  return held ? left : Math.min(left, undo ? SHOWN : SHOWN / 3);
}

/** What is left to offer of what was said, when the last of it goes. */
export function without(said: readonly Said[], last: Said, now: number): Said[] {
  return said.filter((one) => one !== last && leftOf(one, true, now) > 0);
}

interface Props {
  said: Said;
  undo: (() => void) | null;
  /** Always the same: another one would begin the time anew. */
  forget: () => void;
}

export function Toast({ said, undo, forget }: Props) {
  const [pointed, setPointed] = useState(false);
  const [focused, setFocused] = useState(false);
  // A button that goes while it has the focus tells of no blur.
  const held = pointed || (focused && undo !== null);
  useEffect(() => {
    const timer = setTimeout(forget, leftOf(said, held, Date.now()));
    return () => { clearTimeout(timer); };
  }, [said, held, forget]);
  return (
    <div role="status" data-testid="toast"
      onPointerEnter={() => { setPointed(true); }} onPointerLeave={() => { setPointed(false); }}
      onFocus={() => { setFocused(true); }} onBlur={() => { setFocused(false); }}
      className="fixed bottom-4 left-1/2 z-30 flex max-w-[min(32rem,calc(100vw-2rem))] -translate-x-1/2 items-center
        gap-3 rounded-lg border border-line bg-page py-2 pr-2 pl-4 shadow-lg">
      <span className="min-w-0 flex-1 truncate">{said.text}</span>
      {undo && <Button data-testid="undo" onClick={undo}>{t("undo")}</Button>}
    </div>
  );
}
