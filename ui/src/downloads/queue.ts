// Steps in the queue: where the picked rows go, one place up or down.
import type { DownloadView } from "../backend/generated/DownloadView";
import type { QueuePlace } from "../backend/generated/QueuePlace";

/** The type of what is dragged within the list, and of nothing that comes from elsewhere. */
export const ROWS = "application/x-longhaul-rows";

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
