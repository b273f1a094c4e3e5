// The window's keys: what moves in the list, what acts on its row, what opens something.
import { useEffect, useEffectEvent } from "react";
import type { DownloadView } from "../backend/generated/DownloadView";
import { type Act, keyed } from "../downloads/actions";
import { focusRow } from "../downloads/list";

interface Keys {
  rows: readonly DownloadView[];
  selected: string | null;
  deletes: boolean;
  select: (id: string | null) => void;
  act: Act;
  /** By the key that is pressed with Ctrl or ⌘. */
  commands: Record<string, () => void>;
}

/** Where keys have their own meaning. */
const ELSEWHERE = "[role=dialog], [role=alertdialog], [role=menu]";
const STEPS: Record<string, number> = {
  ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity,
};

export function useKeys({ rows, selected, deletes, select, act, commands }: Keys): void {
  const go = (step: number) => {
    const at = rows.findIndex((row) => row.id === selected);
    // With none selected, a step goes to the first; Home and End go where they say.
    const to = at < 0 && Number.isFinite(step) ? 0 : at + step;
    const next = rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (!next) return;
    select(next.id);
    focusRow(next.id);
  };
  const pressed = useEffectEvent((event: KeyboardEvent) => {
    const from = event.target instanceof Element ? event.target : document.body;
    if (event.defaultPrevented || from.closest(ELSEWHERE)) return;
    const command = event.ctrlKey || event.metaKey ? commands[event.key.toLowerCase()] : undefined;
    const step = STEPS[event.key];
    if (command) command();
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "Escape") select(null);
    else if (from.closest("input, textarea")) return;
    else if (step !== undefined) go(step);
    else {
      // A button keeps its own keys.
      const row = from.closest("button") ? undefined : rows.find((one) => one.id === selected);
      const verb = row && keyed(event, row, deletes);
      if (!row || !verb) return;
      act(verb, row);
    }
    event.preventDefault();
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent) => { pressed(event); };
    window.addEventListener("keydown", listen);
    return () => { window.removeEventListener("keydown", listen); };
  }, []);
}
