// A word on what has none: shown on hover and on focus, never the only place where it is said.
import { Tooltip } from "radix-ui";
import { useEffect, useState } from "react";

type Side = "bottom" | "right";
interface Shown {
  text: string;
  side: Side;
  /** What it is about, in px of the window. */
  area: { left: number; top: number; width: number; height: number };
}

/** From the pointer's arrival; where one has just been shown, the next comes at once. */
const [DELAY, JUST] = [500, 200];

/** What gives an element its tooltip. */
export function tip(text: string, side: Side = "bottom") {
  return { "data-tip": text, "data-tip-side": side };
}

/** The one that the whole window has: each row's buttons with one of their own are slow to draw. */
export function Tips() {
  const [shown, setShown] = useState<Shown | null>(null);
  useEffect(() => watch(setShown), []);
  if (!shown) return null;
  return (
    <Tooltip.Provider>
      <Tooltip.Root key={shown.text} open onOpenChange={() => { setShown(null); }}>
        <Tooltip.Trigger asChild>
          <span aria-hidden className="pointer-events-none fixed" style={shown.area} />
        </Tooltip.Trigger>
        <Tooltip.Portal>
          <Tooltip.Content side={shown.side} sideOffset={4} collisionPadding={8}
            className="pointer-events-none z-50 max-w-64 rounded-md bg-ink px-2 py-1 text-[12px] text-page">
            {shown.text}
          </Tooltip.Content>
        </Tooltip.Portal>
      </Tooltip.Root>
    </Tooltip.Provider>
  );
}

function anchorOf(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>("[data-tip]") : null;
}

/** Tells what is to be shown, until the returned function is called. */
function watch(set: (shown: Shown | null) => void): () => void {
  let near: HTMLElement | null = null;
  let isOpen = false;
  let closed = -Infinity;
  let timer: number | undefined;
  const show = (anchor: HTMLElement) => {
    const { left, top, width, height } = anchor.getBoundingClientRect();
    isOpen = true;
    set({ text: anchor.dataset.tip ?? "", side: anchor.dataset.tipSide as Side, area: { left, top, width, height } });
  };
  const hide = () => {
    clearTimeout(timer);
    if (!isOpen) return;
    isOpen = false;
    closed = performance.now();
    set(null);
  };
  const over = ({ target, pointerType }: PointerEvent) => {
    const anchor = pointerType === "touch" ? null : anchorOf(target);
    if (anchor === near) return;
    hide();
    near = anchor;
    if (anchor) timer = window.setTimeout(show, performance.now() - closed < JUST ? 0 : DELAY, anchor);
  };
  const leave = () => {
    hide();
    near = null;
  };
  const focus = ({ target }: FocusEvent) => {
    const anchor = anchorOf(target);
    if (!anchor?.matches(":focus-visible")) return;
    hide();
    show(anchor);
  };
  const ending = new AbortController();
  const { signal } = ending;
  document.addEventListener("pointerover", over, { signal });
  document.documentElement.addEventListener("pointerleave", leave, { signal });
  document.addEventListener("focusin", focus, { signal });
  document.addEventListener("focusout", hide, { signal });
  // Who presses it knows what it does.
  document.addEventListener("pointerdown", hide, { signal, capture: true });
  document.addEventListener("scroll", leave, { signal, capture: true });
  return () => {
    ending.abort();
    clearTimeout(timer);
  };
}
