// The window's keys: what moves in the list, what acts on the picked rows, what opens something.
import { useEffect, useEffectEvent } from "react";
import type { DownloadView } from "../backend/generated/DownloadView";
import { type Act, allows, type Host, keyed } from "../downloads/actions";
import { focusRow } from "../downloads/focus";
import { everything, extended, NONE, only, type Picked } from "../downloads/selection";

interface Keys {
  rows: readonly DownloadView[];
  picked: Picked;
  chosen: readonly DownloadView[];
  host: Host;
  setPicked: (picked: Picked) => void;
  act: Act;
  /** Moves the picked rows one step in the queue. */
  step: (down: boolean) => void;
  /** By the key that is pressed with Ctrl or ⌘. */
  commands: Record<string, () => void>;
}

/** Where keys have their own meaning. */
const ELSEWHERE = "[role=dialog], [role=alertdialog], [role=menu]";
const STEPS: Record<string, number> = {
  ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity,
};

export function useKeys({ rows, picked, chosen, host, setPicked, act, step, commands }: Keys): void {
  const go = (by: number, extend: boolean) => {
    const at = rows.findIndex((row) => row.id === picked.lead);
    // With none picked, a step goes to the first; Home and End go where they say.
    const to = at < 0 && Number.isFinite(by) ? 0 : at + by;
    const next = rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (!next) return;
    setPicked(extend ? extended(picked, next.id, rows) : only(next.id));
    focusRow(next.id);
  };
  /** Answers whether the key meant something. */
  const inQueue = (key: string): boolean => {
    switch (key) {
      case "ArrowUp": case "ArrowDown": step(key === "ArrowDown"); return true;
      case "Home": case "End": {
        const verb = key === "Home" ? "moveFirst" : "moveLast";
        const able = chosen.filter((row) => allows(row, verb, host));
        if (able.length > 0) act(verb, able);
        return true;
      }
      default: return false;
    }
  };
  const pressed = useEffectEvent((event: KeyboardEvent) => {
    const from = event.target instanceof Element ? event.target : document.body;
    if (event.defaultPrevented || from.closest(ELSEWHERE)) return;
    const key = event.key.toLowerCase();
    const typing = from.closest("input, textarea") !== null;
    const withControl = event.ctrlKey || event.metaKey;
    const command = withControl ? commands[key] : undefined;
    if (command && !(typing && (key === "a" || key === "z" || key === "c"))) command();
    else if (withControl && key === "a" && !typing) setPicked(everything(rows, picked.lead));
    else if (withControl && key === "c" && !typing && chosen.length > 0 && String(getSelection()) === "") {
      act("copyDetails", chosen);
    } else if (event.altKey && !withControl && chosen.length > 0 && host.steers && inQueue(event.key)) {
      // Done.
    } else if (withControl || event.altKey) return;
    else if (event.key === "Escape") setPicked(NONE);
    else if (typing) return;
    else if (STEPS[event.key] !== undefined) go(STEPS[event.key] ?? 0, event.shiftKey);
    else {
      // A button keeps its own keys.
      if (from.closest("button, [role=separator]")) return;
      const on = from.closest<HTMLElement>("[data-id]")?.dataset.id;
      const focused = rows.filter((row) => row.id === on);
      const targets = chosen.length > 0 ? chosen : focused;
      const verb = keyed(event, targets, host);
      if (!verb) return;
      act(verb, targets.filter((row) => allows(row, verb, host)));
    }
    event.preventDefault();
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent) => { pressed(event); };
    window.addEventListener("keydown", listen);
    return () => { window.removeEventListener("keydown", listen); };
  }, []);
}
