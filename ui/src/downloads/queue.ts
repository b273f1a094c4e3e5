// Steps in the queue: where the picked rows go, one place up or down.
import type { DownloadView } from "../backend/generated/DownloadView";
import type { QueuePlace } from "../backend/generated/QueuePlace";

/** The type of what is dragged within the list, and of nothing that comes from elsewhere. */
export const ROWS = "application/x-longhaul-rows";

/** Above or below a row: where something is dragged to, or comes to stand. */
export interface Spot {
  id: string;
  below: boolean;
}

/**
 * The place in the queue that a spot stands for; null where there is none: over what has ended, or over what is
 * dragged itself. `rows` are in the order of the queue.
 */
export function placeAt(rows: readonly DownloadView[], ids: ReadonlySet<string>, { id, below }: Spot): QueuePlace | null {
  const at = rows.findIndex((row) => row.id === id);
  const over = rows[at];
  if (!over || over.endedAt !== null || ids.has(id)) return null;
  if (!below) return { at: "before", id };
  const next = rows.slice(at + 1).find((row) => row.endedAt === null && !ids.has(row.id));
  return next ? { at: "before", id: next.id } : { at: "last" };
}

/**
 * Where what goes to a place comes to stand: between what stands around it in the queue, rows that have ended keep
 * theirs, so this is right above the row that it goes before.
 */
export function spotOf(rows: readonly DownloadView[], place: QueuePlace): Spot | null {
  return place.at === "before" ? { id: place.id, below: false } : place.at === "last" ? lastSpot(rows) : null;
}

/** The spot below all of the queue. */
export function lastSpot(rows: readonly DownloadView[]): Spot | null {
  const last = rows.findLast((row) => row.endedAt === null);
  return last ? { id: last.id, below: true } : null;
}

/** The place one step from where the picked rows stand; null where they are at the end already. */
export function stepOf(rows: readonly DownloadView[], ids: ReadonlySet<string>, down: boolean): QueuePlace | null {
  const queue = rows.filter((row) => row.endedAt === null).sort((a, b) => a.place - b.place);
  const at = queue.flatMap((row, index) => (ids.has(row.id) ? [index] : []));
  const [first, last] = [at[0], at.at(-1)];
  if (first === undefined || last === undefined) return null;
  if (!down) {
    const before = queue[first - 1];
    return before ? { at: "before", id: before.id } : null;
  }
  if (last === queue.length - 1) return null;
  const after = queue[last + 2];
  return after ? { at: "before", id: after.id } : { at: "last" };
}
