// A word on what cannot be seen elsewhere, with undo; it goes by itself, but not while it is looked at.
import { useEffect, useState } from "react";
import { t } from "../i18n/t";
import { Button } from "../kit/button";

/** What was done, and how to take it back, where that is possible. */
export interface Said {
  text: string;
  undo: (() => void) | null;
}

/** Shorter than the shell keeps what was removed. */
const SHOWN = 10_000;

export function Toast({ said, forget }: { said: Said; forget: () => void }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(forget, said.undo ? SHOWN : SHOWN / 3);
    return () => { clearTimeout(timer); };
  }, [said, held, forget]);
  const hold = () => { setHeld(true); };
  const letGo = () => { setHeld(false); };
  return (
    <div role="status" data-testid="toast" onPointerEnter={hold} onPointerLeave={letGo} onFocus={hold} onBlur={letGo}
      className="fixed bottom-4 left-1/2 z-30 flex max-w-[min(32rem,calc(100vw-2rem))] -translate-x-1/2 items-center
        gap-3 rounded-lg border border-line bg-page py-2 pr-2 pl-4 shadow-lg">
      <span className="min-w-0 flex-1 truncate">{said.text}</span>
      {said.undo && (
        <Button data-testid="undo" onClick={() => { said.undo?.(); forget(); }}>{t("undo")}</Button>
      )}
    </div>
  );
}
