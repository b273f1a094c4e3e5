// The columns of the list: which are shown, how wide they are, and which go first where there is no room.
import type { Key } from "../i18n/t";
import type { SortBy } from "./shown";

export const COLUMNS = ["status", "progress", "size", "speed", "left", "added", "source"] as const;
export type Column = (typeof COLUMNS)[number];

/** Width in px, and whether it is shown. */
export type Layout = Record<Column, { width: number; shown: boolean }>;

export const USUAL: Layout = {
  status: { width: 180, shown: false },
  progress: { width: 120, shown: true },
  size: { width: 84, shown: true },
  speed: { width: 96, shown: true },
  left: { width: 112, shown: true },
  added: { width: 112, shown: false },
  source: { width: 140, shown: false },
};
const [NARROWEST, WIDEST] = [56, 480];

export const TITLES: Record<Column | "name", Key> = {
  name: "c_name", status: "c_status", progress: "c_progress", size: "c_size", speed: "c_speed", left: "c_left",
  added: "c_added", source: "c_source",
};
export const SORTED_BY: Record<Column | "name", SortBy> = {
  name: "name", status: "status", progress: "progress", size: "size", speed: "speed", left: "left", added: "added",
  source: "source",
};

/** Those that are left out first where the window is narrow. */
const LEAST: readonly Column[] = ["source", "added", "size", "status", "left", "speed", "progress"];
/** What the name and the buttons need, with the gaps. */
const REST = 200 + 104 + 32;
const GAP = 12;

export function clamped(width: number): number {
  return Math.round(Math.min(WIDEST, Math.max(NARROWEST, width)));
}

/** The columns that are shown and have room within `width` px. */
export function fitting(layout: Layout, width: number): Column[] {
  let shown = COLUMNS.filter((column) => layout[column].shown);
  const needed = () => shown.reduce((sum, column) => sum + layout[column].width + GAP, REST);
  for (const column of LEAST) {
    if (needed() <= width) break;
    shown = shown.filter((one) => one !== column);
  }
  return shown;
}

/** The grid's columns: name, the others, the buttons. */
export function template(layout: Layout, columns: readonly Column[]): string {
  return ["minmax(0, 1fr)", ...columns.map((column) => `${layout[column].width}px`), "6rem"].join(" ");
}

/** What was kept, where it is sound; the usual for what is not. */
export function readLayout(kept: unknown): Layout {
  const layout = { ...USUAL };
  if (typeof kept !== "object" || kept === null) return layout;
  for (const column of COLUMNS) {
    const found: unknown = (kept as Record<string, unknown>)[column];
    if (typeof found !== "object" || found === null) continue;
    const { width, shown } = found as { width?: unknown; shown?: unknown };
    layout[column] = {
      width: typeof width === "number" && Number.isFinite(width) ? clamped(width) : USUAL[column].width,
      shown: typeof shown === "boolean" ? shown : USUAL[column].shown,
    };
  }
  return layout;
}
