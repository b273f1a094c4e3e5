// How each action is shown; which of them a row allows travels with the row.
import {
  ArrowDownToLine, ArrowUpToLine, Copy, Download, FileInput, Files, FolderOpen, Gauge, type LucideIcon, Pause, Play,
  RotateCcw, Square, SquareArrowOutUpRight, Trash, X,
} from "lucide-react";
import type { Action } from "../backend/generated/Action";
import type { DownloadView } from "../backend/generated/DownloadView";
import { t } from "../i18n/t";
import { chord, keyName } from "../kit/keys";
import type { MenuEntry } from "../kit/menu";

/** An action of the rows' own, or what the window can do with them beside. */
export type Verb = Action | "removeWithFile" | "limitSpeed" | "moveFirst" | "moveLast" | "copyDetails";

const ICONS: Record<Verb, LucideIcon> = {
  pause: Pause, resume: Play, cancel: Square, retry: RotateCcw, keepBoth: Files, replace: FileInput,
  open: SquareArrowOutUpRight, showInFolder: FolderOpen, remove: X, removeWithFile: Trash, limitSpeed: Gauge,
  moveFirst: ArrowUpToLine, moveLast: ArrowDownToLine, copyDetails: Copy,
};
const KEYS: Partial<Record<Verb, Parameters<typeof keyName>[0]>> = {
  pause: "k_space", resume: "k_space", retry: "k_space", open: "k_enter", remove: "k_delete",
  removeWithFile: "k_shiftDelete", moveFirst: "k_altHome", moveLast: "k_altEnd",
};
/** In the menu from top to bottom. */
const ORDER: readonly Verb[] = [
  "open", "showInFolder", "pause", "resume", "retry", "keepBoth", "replace", "limitSpeed", "moveFirst", "moveLast",
  "copyDetails", "cancel", "remove", "removeWithFile",
];

/** What the host can do beside what every host can. */
export interface Host {
  pulls: boolean;
  deletes: boolean;
  /** Whether rows have a place in a queue and a limit that can be changed. */
  steers: boolean;
}

/** What is asked for, of which rows; each takes part that allows it. */
export type Act = (verb: Verb, rows: readonly DownloadView[]) => void;

/** How a verb is called and drawn; `pulls` says whether the bytes come through this app. */
export function look(verb: Verb, pulls: boolean): { name: string; icon: LucideIcon } {
  if (verb === "open" && !pulls) return { name: t("saveAgain"), icon: Download };
  return { name: t(verb), icon: ICONS[verb] };
}

/** Whether the verb is for that row. */
export function allows(row: DownloadView, verb: Verb, host: Host): boolean {
  switch (verb) {
    case "removeWithFile": return host.deletes && row.path !== null && row.can.includes("remove");
    case "limitSpeed": case "moveFirst": case "moveLast": return host.steers && row.endedAt === null;
    case "copyDetails": return true;
    default: return row.can.includes(verb);
  }
}

/** What can be done with at least one of the rows, and with how many, where that is not all. */
export function menuOf(rows: readonly DownloadView[], host: Host, act: Act): MenuEntry[] {
  return ORDER.flatMap((verb) => {
    const able = rows.filter((row) => allows(row, verb, host));
    if (able.length === 0) return [];
    const key = KEYS[verb];
    const { name, icon } = look(verb, host.pulls);
    return [{
      id: verb,
      name: able.length === rows.length ? name : t("someOf", { name, count: able.length }),
      icon,
      keys: verb === "copyDetails" ? chord("C") : key ? keyName(key) : "",
      danger: verb === "removeWithFile",
      run: () => { act(verb, able); },
    }];
  });
}

/** What a key does to rows, of what can be done with them; the first row decides between twins. */
export function keyed(
  event: Pick<KeyboardEvent, "key" | "shiftKey">,
  rows: readonly DownloadView[],
  host: Host,
): Verb | undefined {
  const off: Verb[] = [event.shiftKey ? "removeWithFile" : "remove"];
  const wanted: Record<string, Verb[]> = {
    " ": ["pause", "resume", "retry"],
    Enter: ["open"],
    Delete: off,
    // The one of Apple's keyboards.
    Backspace: off,
  };
  return wanted[event.key]?.find((verb) => rows.some((row) => allows(row, verb, host)));
}

/** What taking rows off the list throws away for good: bytes that are here, or the server's work. */
export function lossOf(rows: readonly DownloadView[]): { bytes: number; work: boolean } {
  const loss = { bytes: 0, work: false };
  for (const row of rows) {
    if (row.state === "completed") continue;
    const running = row.can.includes("cancel");
    loss.bytes += row.fault?.kept ?? (running ? (row.pulled?.done ?? 0) : 0);
    loss.work ||= running && row.made !== null && row.made.stage !== "done" && row.made.percent > 0;
  }
  return loss;
}
