// What the palette lists: everything that a button or a key of the window does.
import {
  CheckCheck, Contrast, Gauge, ListChecks, type LucideIcon, PanelBottom, Pause, Play, Plus, Rows3, Search, Settings, Undo,
} from "lucide-react";
import type { DownloadView } from "../backend/generated/DownloadView";
import { type Act, type Host, menuOf } from "../downloads/actions";
import { type Filter, type Group, GROUPS } from "../downloads/shown";
import { t } from "../i18n/t";
import { chord } from "../kit/keys";

interface Deed {
  id: string;
  name: string;
  icon: LucideIcon;
  /** As it is written on the keys; nothing where there is none. */
  keys: string;
  /** Under which it stands. */
  part: string;
  run: () => void;
}

/** What the window can do now; null for what it cannot. */
export interface Doings {
  chosen: readonly DownloadView[];
  host: Host;
  act: Act;
  narrow: (change: Partial<Filter>) => void;
  add: () => void;
  search: () => void;
  settings: () => void;
  details: () => void;
  density: () => void;
  theme: () => void;
  all: () => void;
  pauseAll: (() => void) | null;
  resumeAll: (() => void) | null;
  undo: (() => void) | null;
}

export function deedsOf(can: Doings): Deed[] {
  const picked = can.chosen.length === 1 ? (can.chosen[0]?.name ?? "") : t("nDownloads", { count: can.chosen.length });
  const windows: (Omit<Deed, "part"> | null)[] = [
    { id: "add", name: t("addTitle"), icon: Plus, keys: chord("N"), run: can.add },
    { id: "search", name: t("search"), icon: Search, keys: chord("F"), run: can.search },
    { id: "all", name: t("selectAll"), icon: CheckCheck, keys: chord("A"), run: can.all },
    can.undo && { id: "undo", name: t("undo"), icon: Undo, keys: chord("Z"), run: can.undo },
    can.pauseAll && { id: "pauseAll", name: t("pauseAll"), icon: Pause, keys: "", run: can.pauseAll },
    can.resumeAll && { id: "resumeAll", name: t("resumeAll"), icon: Play, keys: "", run: can.resumeAll },
    { id: "details", name: t("details"), icon: PanelBottom, keys: chord("I"), run: can.details },
    { id: "density", name: t("set_density"), icon: Rows3, keys: "", run: can.density },
    { id: "theme", name: t("set_theme"), icon: Contrast, keys: "", run: can.theme },
    { id: "settings", name: t("settings"), icon: Settings, keys: chord(","), run: can.settings },
    can.host.pulls ? { id: "limits", name: t("set_limit"), icon: Gauge, keys: "", run: can.settings } : null,
  ];
  return [
    ...menuOf(can.chosen, can.host, can.act).map((entry) => ({ ...entry, part: picked })),
    ...windows.flatMap((deed) => (deed ? [{ ...deed, part: t("set_window") }] : [])),
    ...(Object.keys(GROUPS) as Group[]).map((group) => ({
      id: `show-${group}`, name: t("show", { what: t(group) }), icon: ListChecks, keys: "", part: t("list"),
      run: () => { can.narrow({ group }); },
    })),
  ];
}
