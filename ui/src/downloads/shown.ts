// Which rows are shown, and in which order.
import type { DownloadState } from "../backend/generated/DownloadState";
import type { DownloadView } from "../backend/generated/DownloadView";

export const GROUPS = {
  all: null,
  active: ["preparing", "downloading", "verifying"],
  waiting: ["queued", "paused"],
  completed: ["completed"],
  failed: ["failed", "cancelled"],
} as const satisfies Record<string, readonly DownloadState[] | null>;
export type Group = keyof typeof GROUPS;

export const SORTS = ["newest", "name", "size"] as const;
export type Sort = (typeof SORTS)[number];

export function matching(rows: readonly DownloadView[], group: Group, query: string): readonly DownloadView[] {
  const states: readonly string[] | null = GROUPS[group];
  const wanted = query.trim().toLowerCase();
  if (!states && !wanted) return rows;
  return rows.filter((row) => (
    (!states || states.includes(row.state)) && (!wanted || row.name.toLowerCase().includes(wanted))
  ));
}

const names = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const ORDERS: Record<Exclude<Sort, "newest">, (a: DownloadView, b: DownloadView) => number> = {
  name: (a, b) => names.compare(a.name, b.name),
  size: (a, b) => (b.size ?? -1) - (a.size ?? -1),
};

/**
 * Sorts a list that is shown again and again. It begins from the last order, so that a list that barely
 * changed costs one pass: 10,000 names are compared anew four times a second while something moves.
 */
export function createSorter(): (rows: readonly DownloadView[], sort: Sort) => readonly DownloadView[] {
  let last: readonly DownloadView[] = [];
  return (rows, sort) => {
    // The list comes newest first.
    if (sort === "newest") return rows;
    const left = new Map(rows.map((row) => [row.id, row]));
    const begun: DownloadView[] = [];
    for (const { id } of last) {
      const row = left.get(id);
      if (row && left.delete(id)) begun.push(row);
    }
    last = [...begun, ...left.values()].sort(ORDERS[sort]);
    return last;
  };
}
