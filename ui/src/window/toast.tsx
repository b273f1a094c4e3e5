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

interface Props {
  said: Said;
  undo: (() => void) | null;
  forget: () => void;
}

export function Toast({ said, undo, forget }: Props) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    const timer = setTimeout(forget, leftOf(said, held, Date.now()));
    return () => { clearTimeout(timer); };
  }, [said, held, forget]);
  const hold = () => { setHeld(true); };
  const letGo = () => { setHeld(false); };
  return (
    <div role="status" data-testid="toast" onPointerEnter={hold} onPointerLeave={letGo} onFocus={hold} onBlur={letGo}
      className="fixed bottom-4 left-1/2 z-30 flex max-w-[min(32rem,calc(100vw-2rem))] -translate-x-1/2 items-center
        gap-3 rounded-lg border border-line bg-page py-2 pr-2 pl-4 shadow-lg">
      <span className="min-w-0 flex-1 truncate">{said.text}</span>
      {undo && <Button data-testid="undo" onClick={undo}>{t("undo")}</Button>}
    </div>
  );
}
