// The window: sidebar with counts, header, what must be told, the list, one download in full.
import { LucideProvider } from "lucide-react";
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import mark from "../../icons/longhaul.svg";
import { AddDialog, type Given } from "./add/add-dialog";
import { useGiven } from "./add/use-given";
import type { Backend } from "./backend/backend";
import type { DownloadView } from "./backend/generated/DownloadView";
import type { QueuePlace } from "./backend/generated/QueuePlace";
import { Details } from "./details/details";
import { type Host, menuOf } from "./downloads/actions";
import { Arriving } from "./downloads/arriving";
import { readLayout } from "./downloads/columns";
import { Empty } from "./downloads/empty";
import { focusRow } from "./downloads/focus";
import { type Density, VirtualList } from "./downloads/list";
import { stepOf } from "./downloads/queue";
import { everything, useSelection } from "./downloads/selection";
import { createSorter, EVERYTHING, type Filter, matching, type Sort, SORTS } from "./downloads/shown";
import { Sidebar } from "./downloads/sidebar";
import { useKept, useRemembered } from "./kit/remembered";
import { Tips } from "./kit/tooltip";
import { SettingsDialog } from "./settings/settings-dialog";
import { useUpdates } from "./settings/use-updates";
import { THEMES, useTheme } from "./theme/use-theme";
import { Header } from "./window/header";
import { LimitDialog } from "./window/limit-dialog";
import { NothingShown } from "./window/nothing-shown";
import { Palette } from "./window/palette";
import { RemoveDialog } from "./window/remove-dialog";
import { Toast } from "./window/toast";
import { Told } from "./window/told";
import { useActions } from "./window/use-actions";
import { useKeys } from "./window/use-keys";

/** What lies over the list. */
type Over = "add" | "settings" | "palette" | null;

const NO_ROWS: DownloadView[] = [];
const NEWEST: Sort = { by: "added", down: true };

function readSort(kept: unknown): Sort {
  if (typeof kept !== "object" || kept === null) return NEWEST;
  const { by, down } = kept as { by?: unknown; down?: unknown };
  const known = SORTS.find((one) => one === by);
  return known && typeof down === "boolean" ? { by: known, down } : NEWEST;
}

export function App({ backend }: { backend: Backend }) {
  const list = backend.useList();
  const { downloads, totals, server, servers } = list;
  const arrival = backend.useArrival();
  const [filter, setFilter] = useState<Filter>(EVERYTHING);
  const [sort, setSort] = useKept("sort", readSort);
  const [layout, setLayout] = useKept("columns", readLayout);
  const [density, setDensity] = useRemembered<Density>("density", ["comfortable", "compact"]);
  const [details, setDetails] = useRemembered("details", ["shown", "hidden"]);
  const [theme, setTheme] = useTheme();
  const [over, setOver] = useState<Over>(null);
  // Pasted, dropped, or given by another program: put into the dialog that adds, once no other is in its way.
  const [given, setGiven] = useState<readonly Given[]>([]);
  const [additions, setAdditions] = useState(0);
  const search = useRef<HTMLInputElement>(null);
  const { absent } = backend;
  const host = useMemo<Host>(
    () => ({ pulls: !absent.pull, deletes: !absent.deleteFile, steers: !absent.steer }), [absent],
  );

  // Typing stays ahead of a long list.
  const wanted = useDeferredValue(filter);
  const [sorted] = useState(() => createSorter(host.pulls));
  const found = useMemo(() => matching(downloads, wanted), [downloads, wanted]);
  const shown = useMemo(() => sorted(found, sort), [sorted, found, sort]);
  const { picked, pick, setPicked, leave } = useSelection(shown);
  const leaving = useCallback((rows: readonly DownloadView[], from: string | null) => { focusRow(leave(rows, from)); }, [leave]);
  const { act, actOnAll, add, move, ...told } = useActions(backend, leaving);
  const chosen = useMemo(
    () => (picked.ids.size === 0 ? NO_ROWS : shown.filter((row) => picked.ids.has(row.id))), [shown, picked.ids],
  );
  const [pausable, resumable] = useMemo(
    () => [downloads.some((row) => row.can.includes("pause")), downloads.some((row) => row.can.includes("resume"))],
    [downloads],
  );
  const lead = useMemo(() => downloads.find((row) => row.id === picked.lead), [downloads, picked.lead]);

  const openAdd = () => { setOver("add"); };
  const openSettings = () => { setOver("settings"); };
  const openPalette = () => { setOver("palette"); };
  const close = () => { setOver(null); };
  const closeAdd = () => {
    close();
    setGiven([]);
  };
  const added = (upTo: number) => {
    close();
    setGiven((before) => before.slice(upTo));
    setAdditions((before) => before + 1);
  };
  const toggleDetails = () => { setDetails(details === "shown" ? "hidden" : "shown"); };
  const find = () => { search.current?.select(); };
  const narrow = (change: Partial<Filter>) => { setFilter({ ...filter, ...change }); };
  const onAll = (action: "pause" | "resume") => () => {
    actOnAll(action, downloads.filter((row) => row.can.includes(action)).map((row) => row.id));
  };
  const pauseAll = pausable ? onAll("pause") : null;
  const resumeAll = resumable ? onAll("resume") : null;
  const { undo } = told;
  const put = (place: QueuePlace) => {
    move(chosen.filter((row) => row.endedAt === null).map((row) => row.id), place);
  };
  const step = (down: boolean) => {
    const place = stepOf(downloads, picked.ids, down);
    if (place) put(place);
  };
  const isFree = over === null && !told.removal && told.limiting.length === 0;
  const adds = over === "add" || (given.length > 0 && isFree);
  useGiven(({ text, refused }) => {
    if (text || adds) setGiven((before) => [...before, { text, refused, foreign: false }]);
    else told.tell(refused);
  });
  const { system } = backend;
  const updates = useUpdates(system);
  useEffect(() => { 
    system?.onGiven((text) => { setGiven((before) => [...before, { text, refused: "", foreign: true }]); });
  }, [system]);
  useKeys({
    rows: shown, picked, chosen, host, setPicked, act, step,
    commands: {
      n: openAdd, f: find, k: openPalette, i: toggleDetails, ",": openSettings, z: () => { undo?.(); },
    },
  });
  const entries = useMemo(() => menuOf(chosen, host, act), [chosen, host, act]);
  const isNarrowed = filter.group !== "all" || filter.kind !== null || filter.day !== null;
  return (
    <LucideProvider strokeWidth={1.75}>
      <div className="flex h-screen select-none">
        <Sidebar mark={mark} rows={downloads} filter={filter} narrow={narrow} totals={arrival.stage === "there" ? totals : null} server={server}
          servers={servers} />
        <main className="flex min-w-0 flex-1 flex-col">
          <Header search={search} query={filter.query} setQuery={(query) => { narrow({ query }); }}
            sort={sort} setSort={setSort} speed={host.pulls ? totals.speed : null}
            palette={openPalette} settings={openSettings} newer={updates?.found?.version ?? null} add={openAdd} pauseAll={pauseAll} resumeAll={resumeAll}
            details={details === "shown"} toggleDetails={toggleDetails} />
          <Told backend={backend} list={list} problem={told.problem} dismissProblem={told.dismissProblem} />
          {arrival.stage !== "there"
            ? <Arriving arrival={arrival} density={density} retry={backend.reload} />
            : downloads.length === 0
            ? <Empty backend={backend} online={server.state === "online"} add={add} />
            : shown.length === 0
              ? <NothingShown query={isNarrowed ? "" : wanted.query} showAll={() => { setFilter(EVERYTHING); }} />
              : <VirtualList rows={shown} picked={picked} density={density} layout={layout} setLayout={setLayout}
                  sort={sort} setSort={setSort} pulls={host.pulls} pick={pick} act={act} entries={entries}
                  put={host.steers && sort.by === "queue" && !sort.down ? put : null} />}
          {lead && picked.ids.has(lead.id) && details === "shown" && (
            <Details key={lead.id} backend={backend} row={lead} servers={servers} count={chosen.length} act={act} close={toggleDetails} />
          )}
        </main>
      </div>
      {adds && (
        <AddDialog key={additions} backend={backend} given={given} downloads={downloads} servers={servers} close={closeAdd}
          added={added} tell={told.tell} />
      )}
      {over === "settings" && (
        <SettingsDialog backend={backend} updates={updates} density={density} setDensity={setDensity} theme={theme} setTheme={setTheme}
          close={close} />
      )}
      {over === "palette" && (
        <Palette close={close} can={{
          chosen, host, act, narrow, pauseAll, resumeAll, undo, add: openAdd, search: find, settings: openSettings,
          details: toggleDetails, all: () => { setPicked(everything(shown, picked.lead)); },
          density: () => { setDensity(density === "compact" ? "comfortable" : "compact"); },
          theme: () => { setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system"); },
        }} />
      )}
      {told.limiting.length > 0 && (
        <LimitDialog rows={told.limiting} limit={told.limit} close={told.doneLimiting} />
      )}
      {told.removal && <RemoveDialog removal={told.removal} remove={told.remove} close={told.keepRow}
        refocus={() => { focusRow(told.removal?.from ?? picked.lead); }} />}
      {told.said && <Toast said={told.said} undo={undo} forget={told.forget} />}
      <Tips />
    </LucideProvider>
  );
}
