// How each action is shown; which of them a row allows travels with the row.
import {
  Download, FolderOpen, type LucideIcon, Pause, Play, RotateCcw, Square, SquareArrowOutUpRight, Trash, X,
} from "lucide-react";
import type { Action } from "../backend/generated/Action";
import type { DownloadView } from "../backend/generated/DownloadView";
import { type Key, t } from "../i18n/t";
import type { MenuEntry } from "../kit/menu";

/** An action of a row, or its removal together with the file. */
export type Verb = Action | "removeWithFile";

const ICONS: Record<Verb, LucideIcon> = {
  pause: Pause, resume: Play, cancel: Square, retry: RotateCcw, open: SquareArrowOutUpRight,
  showInFolder: FolderOpen, remove: X, removeWithFile: Trash,
};
const KEYS: Partial<Record<Verb, Key>> = {
  pause: "k_space", resume: "k_space", retry: "k_space", open: "k_enter", remove: "k_delete",
  removeWithFile: "k_shiftDelete",
};

/** What is asked for, of which row. */
export type Act = (verb: Verb, row: DownloadView) => void;

/** How a verb is called and drawn; `pulls` says whether the bytes come through this app. */
export function look(verb: Verb, pulls: boolean): { name: string; icon: LucideIcon } {
  if (verb === "open" && !pulls) return { name: t("saveAgain"), icon: Download };
  return { name: t(verb), icon: ICONS[verb] };
}

/** Exactly what the row allows, and the file's deletion where there is a file to delete. */
export function verbsOf(row: DownloadView, deletes: boolean): Verb[] {
  return deletes && row.path !== null && row.can.includes("remove") ? [...row.can, "removeWithFile"] : row.can;
}

export function menuOf(row: DownloadView, host: { pulls: boolean; deletes: boolean }, act: Act): MenuEntry[] {
  return verbsOf(row, host.deletes).map((verb) => {
    const key = KEYS[verb];
    return {
      id: verb,
      ...look(verb, host.pulls),
      keys: key ? t(key) : "",
      danger: verb === "removeWithFile",
      run: () => { act(verb, row); },
    };
  });
}

/** What a key does to a row, of what can be done with it. */
export function keyed(
  event: Pick<KeyboardEvent, "key" | "shiftKey">,
  row: DownloadView,
  deletes: boolean,
): Verb | undefined {
  const wanted: Record<string, Verb[]> = {
    " ": ["pause", "resume", "retry"],
    Enter: ["open"],
    Delete: [event.shiftKey ? "removeWithFile" : "remove"],
    Backspace: ["remove"],
  };
  const allowed = verbsOf(row, deletes);
  return wanted[event.key]?.find((verb) => allowed.includes(verb));
}

/** What taking the row off the list throws away: bytes that are here, or the server's work. */
export function lossOf(row: DownloadView): { bytes: number; work: boolean } {
  if (row.state === "completed") return { bytes: 0, work: false };
  const running = row.can.includes("cancel");
  return {
    bytes: row.fault?.kept ?? (running ? (row.pulled?.done ?? 0) : 0),
    work: running && row.made?.stage !== "done" && (row.made?.percent ?? 0) > 0,
  };
}
