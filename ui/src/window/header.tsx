// The window's head: search, how fast all of it goes, what can be done with all of it, adding.
import { ArrowDownUp, Command, PanelBottom, Pause, Play, Plus, Search, Settings } from "lucide-react";
import type { RefObject } from "react";
import { Sparkline } from "../downloads/sparkline";
import type { Sort, SortBy } from "../downloads/shown";
import { type Key, t } from "../i18n/t";
import { Button, IconButton } from "../kit/button";
import { speed as perSecond } from "../kit/format";
import { Choice } from "../kit/menu";

/** The orders that have no column, or one that may be hidden. */
const CHOICES: readonly SortBy[] = ["added", "queue", "name", "size"];
const DOWNWARD = new Set<SortBy>(["added", "size"]);

interface Props {
  search: RefObject<HTMLInputElement | null>;
  query: string;
  setQuery: (query: string) => void;
  sort: Sort;
  setSort: (sort: Sort) => void;
  /** Bytes per second over all downloads; null where the browser pulls, and does not tell. */
  speed: number | null;
  /** Null where there is nothing to pause. */
  pauseAll: (() => void) | null;
  resumeAll: (() => void) | null;
  details: boolean;
  toggleDetails: () => void;
  palette: () => void;
  settings: () => void;
  /** The version of the app that could be installed. */
  newer: string | null;
  add: () => void;
}

export function Header({
  search, query, setQuery, sort, setSort, speed, pauseAll, resumeAll, details, toggleDetails, palette,
  settings, newer, add,
}: Props) {
  return (
    <header className="flex items-center gap-1 border-b border-line p-3">
      <label className="field field-row mr-auto min-w-0 flex-1 lg:max-w-md">
        <Search aria-hidden size={14} className="shrink-0 text-dim" />
        <input ref={search} type="search" aria-label={t("search")} placeholder={t("search")} value={query}
          onChange={(event) => { setQuery(event.target.value); }}
          onKeyDown={(event) => {
            if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
            event.preventDefault();
            if (query) setQuery("");
            else event.currentTarget.blur();
          }} />
      </label>
      {speed !== null && (
        <>
          <Sparkline speed={speed} />
          <span className="w-24 shrink-0 pr-2 text-right whitespace-nowrap tabular-nums">{perSecond(speed)}</span>
        </>
      )}
      {pauseAll
        ? <IconButton name={t("pauseAll")} icon={Pause} onClick={pauseAll} />
        : resumeAll && <IconButton name={t("resumeAll")} icon={Play} onClick={resumeAll} />}
      <Choice label={t("sort")} value={sort.by} choose={(by) => { setSort({ by, down: DOWNWARD.has(by) }); }}
        choices={CHOICES.map((value) => ({ value, name: t(`sort_${value}` as Key) }))}
        button={<IconButton name={t("sort")} icon={ArrowDownUp} />} />
      <IconButton name={t("palette")} icon={Command} data-testid="palette-button" onClick={palette} />
      <IconButton name={t("details")} icon={PanelBottom} aria-pressed={details} onClick={toggleDetails} />
      <IconButton name={newer ? t("settings_update", { version: newer }) : t("settings")} icon={Settings}
        dot={newer !== null} data-testid="settings-button" onClick={settings} />
      <Button tone="primary" data-testid="add-button" aria-haspopup="dialog" onClick={add} className="ml-2">
        <Plus aria-hidden size={14} />{t("add")}
      </Button>
    </header>
  );
}
