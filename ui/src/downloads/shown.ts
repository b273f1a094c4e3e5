// Which rows are shown, and in which order.
import type { DownloadState } from "../backend/generated/DownloadState";
import type { DownloadView } from "../backend/generated/DownloadView";
import { partsOf } from "./bar";
import { locale } from "../i18n/t";
import { type Kind, kindOf, KINDS } from "./kinds";

export const GROUPS = {
  all: null,
  active: ["preparing", "downloading", "verifying"],
  waiting: ["queued", "paused"],
  completed: ["completed"],
  failed: ["failed", "cancelled"],
} as const satisfies Record<string, readonly DownloadState[] | null>;
export type Group = keyof typeof GROUPS;

/** When a download was added, by the calendar of this machine. */
export const DAYS = ["today", "week", "earlier"] as const;
export type Day = (typeof DAYS)[number];

/** What the list is narrowed to; null where it is not. */
export interface Filter {
  group: Group;
  kind: Kind | null;
  day: Day | null;
  query: string;
}

export const EVERYTHING: Filter = { group: "all", kind: null, day: null, query: "" };

/** The first moments of today and of the last seven days. */
export function bordersOf(now: Date): { today: number; week: number } {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const week = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 6);
  return { today: today.getTime(), week: week.getTime() };
}

interface Facts {
  kind: Kind;
  /** In ms since 1970. */
  added: number;
}
/** Of each row as it is: few of many change, and names and times are slow to read. */
const known = new WeakMap<DownloadView, Facts>();

function factsOf(row: DownloadView): Facts {
  let facts = known.get(row);
  if (!facts) known.set(row, facts = { kind: kindOf(row.name), added: Date.parse(row.addedAt) });
  return facts;
}

/** The newest first; of those that were added together, the last of them. */
export function newest(a: DownloadView, b: DownloadView): number {
  return factsOf(b).added - factsOf(a).added || b.place - a.place;
}

export function dayOf(row: DownloadView, borders: { today: number; week: number }): Day {
  const { added } = factsOf(row);
  if (added >= borders.today) return "today";
  return added >= borders.week ? "week" : "earlier";
}

/** Where a download comes from, as a person would say it. */
export function sourceOf({ source }: DownloadView): string {
  if (source.kind === "file") return `#${source.fileId}`;
  return URL.canParse(source.url) ? new URL(source.url).host : source.url;
}

export function matching(rows: readonly DownloadView[], filter: Filter, now = new Date()): readonly DownloadView[] {
  const { group, kind, day } = filter;
  const states: readonly string[] | null = GROUPS[group];
  const wanted = filter.query.trim().toLowerCase();
  if (!states && !kind && !day && !wanted) return rows;
  const borders = bordersOf(now);
  return rows.filter((row) => (
    (!states || states.includes(row.state))
    && (!kind || factsOf(row).kind === kind)
    && (!day || dayOf(row, borders) === day)
    && (!wanted || row.name.toLowerCase().includes(wanted) || sourceOf(row).toLowerCase().includes(wanted))
  ));
}

/** How many rows there are of each kind and each time. */
export function countsOf(rows: readonly DownloadView[], now = new Date()) {
  const kinds = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  const days: Record<Day, number> = { today: 0, week: 0, earlier: 0 };
  const borders = bordersOf(now);
  for (const row of rows) {
    kinds[factsOf(row).kind] += 1;
    days[dayOf(row, borders)] += 1;
  }
  return { kinds, days };
}

export const SORTS = ["added", "queue", "name", "status", "progress", "size", "speed", "left", "source"] as const;
export type SortBy = (typeof SORTS)[number];
export interface Sort {
  by: SortBy;
  down: boolean;
}

const names = new Intl.Collator(locale, { numeric: true, sensitivity: "base" });
const STATES: readonly DownloadState[] = [
  "downloading", "verifying", "preparing", "queued", "paused", "failed", "cancelled", "completed",
];
/** A number that is not known comes after all that are, whichever way they are sorted. */
const NUMBERS: Partial<Record<SortBy, (row: DownloadView) => number | null>> = {
  queue: (row) => row.place,
  status: (row) => STATES.indexOf(row.state),
  size: (row) => row.size,
  speed: (row) => row.speed,
  left: (row) => row.etaSeconds ?? null,
};

function comparing({ by, down }: Sort, pulls: boolean): (a: DownloadView, b: DownloadView) => number {
  const sign = down ? -1 : 1;
  // As the row shows it, and where it shows none, last.
  const whole = (row: DownloadView) => (row.state === "cancelled" ? null : partsOf(row, pulls).whole);
  const number = by === "progress" ? whole : NUMBERS[by];
  if (!number) {
    const text = by === "source" ? sourceOf : (row: DownloadView) => row.name;
    return (a, b) => sign * names.compare(text(a), text(b));
  }
  return (a, b) => {
    const [one, other] = [number(a), number(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    return sign * (one - other);
  };
}

/**
 * Sorts a list that is shown again and again. It begins from the last order, so that a list that barely
 * changed costs one pass: 10,000 names are compared anew four times a second while something moves.
 */
export function createSorter(pulls = true): (rows: readonly DownloadView[], sort: Sort) => readonly DownloadView[] {
  let last: readonly DownloadView[] = [];
  return (rows, sort) => {
    // The list comes newest first.
    if (sort.by === "added") return sort.down ? rows : rows.toReversed();
    const left = new Map(rows.map((row) => [row.id, row]));
    const begun: DownloadView[] = [];
    for (const { id } of last) {
      const row = left.get(id);
      if (row && left.delete(id)) begun.push(row);
    }
    last = [...begun, ...left.values()].sort(comparing(sort, pulls));
    return last;
  };
}
