// Which rows are picked: one by a click, more with Ctrl or ⌘, a stretch with Shift.
import { useCallback, useEffect, useRef, useState } from "react";
import type { DownloadView } from "../backend/generated/DownloadView";

export interface Picked {
  ids: ReadonlySet<string>;
  /** The row that the keys move from, and that the details are of. */
  lead: string | null;
  /** Where a stretch begins. */
  anchor: string | null;
}

export const NONE: Picked = { ids: new Set(), lead: null, anchor: null };

export function only(id: string): Picked {
  return { ids: new Set([id]), lead: id, anchor: id };
}

export function toggled(picked: Picked, id: string): Picked {
  const ids = new Set(picked.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, lead: id, anchor: id };
}

/** All from the anchor to `id`, and nothing else. */
export function extended(picked: Picked, id: string, rows: readonly DownloadView[]): Picked {
  const from = rows.findIndex((row) => row.id === (picked.anchor ?? picked.lead));
  const to = rows.findIndex((row) => row.id === id);
  if (from < 0 || to < 0) return only(id);
  const stretch = rows.slice(Math.min(from, to), Math.max(from, to) + 1).map((row) => row.id);
  return { ids: new Set(stretch), lead: id, anchor: rows[from]?.id ?? id };
}

export function everything(rows: readonly DownloadView[], lead: string | null): Picked {
  const first = lead ?? rows[0]?.id ?? null;
  return { ids: new Set(rows.map((row) => row.id)), lead: first, anchor: first };
}

/** The row to go on from when some go: the next that stays, else the one before. */
export function beside(rows: readonly DownloadView[], going: ReadonlySet<string>, lead: string): DownloadView | undefined {
  const at = rows.findIndex((row) => row.id === lead);
  const stays = (row: DownloadView) => !going.has(row.id);
  return rows.slice(at + 1).find(stays) ?? rows.slice(0, Math.max(0, at)).reverse().find(stays);
}

/** How a click, or a step of the keys, picks. */
export type Pick = (id: string, how: { shiftKey: boolean; ctrlKey: boolean; metaKey: boolean }) => void;

export function useSelection(rows: readonly DownloadView[]) {
  const [picked, setPicked] = useState(NONE);
  // Read when something is picked: rows change all the time, and no row is drawn anew for that.
  const latest = useRef(rows);
  const lead = useRef(picked.lead);
  useEffect(() => {
    latest.current = rows;
    lead.current = picked.lead;
  }, [rows, picked.lead]);
  const pick: Pick = useCallback((id, { shiftKey, ctrlKey, metaKey }) => {
    setPicked((now) => (
      shiftKey ? extended(now, id, latest.current) : ctrlKey || metaKey ? toggled(now, id) : only(id)
    ));
  }, []);
  /**
   * The row that the keys go on from when some are about to go, where they would lose their place; it is picked
   * where what goes was. `from` is the row that has the focus.
   */
  const leave = useCallback((going: readonly DownloadView[], from: string | null): string | null => {
    const gone = new Set(going.map((row) => row.id));
    const lost = [lead.current, from].find((id) => id !== null && gone.has(id));
    if (!lost) return null;
    const next = beside(latest.current, gone, lost);
    if (lost === lead.current) setPicked(next ? only(next.id) : NONE);
    return next?.id ?? null;
  }, []);
  return { picked, pick, setPicked, leave };
}
