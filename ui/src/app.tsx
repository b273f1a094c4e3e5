// The window: sidebar with counts, header, what must be told, the list, one download in full.
import { LucideProvider } from "lucide-react";
import { useDeferredValue, useMemo, useRef, useState } from "react";
import mark from "../../icons/longhaul.svg";
import { AddDialog } from "./add/add-dialog";
import { useGiven } from "./add/use-given";
import type { Backend } from "./backend/backend";
import type { Action } from "./backend/generated/Action";
import { Details } from "./details/details";
import { Empty } from "./downloads/empty";
import { type Density, VirtualList } from "./downloads/list";
import { createSorter, type Group, matching, type Sort, SORTS } from "./downloads/shown";
import { Sidebar } from "./downloads/sidebar";
import { useRemembered } from "./kit/remembered";
import { Tips } from "./kit/tooltip";
import { SettingsDialog } from "./settings/settings-dialog";
import { Header } from "./window/header";
import { NothingShown } from "./window/nothing-shown";
import { RemoveDialog } from "./window/remove-dialog";
import { Told } from "./window/told";
import { useActions } from "./window/use-actions";
import { useKeys } from "./window/use-keys";

/** What lies over the list; adding begins with the text that was pasted or dropped. */
type Over = { kind: "add"; given: string } | { kind: "settings" } | null;

export function App({ backend }: { backend: Backend }) {
  const list = backend.useList();
  const { downloads, totals, server } = list;
  const [group, setGroup] = useState<Group>("all");
  const [query, setQuery] = useState("");
  const [sort, setSort] = useRemembered<Sort>("sort", SORTS);
  const [density, setDensity] = useRemembered<Density>("density", ["comfortable", "compact"]);
  const [details, setDetails] = useRemembered("details", ["shown", "hidden"]);
  const [over, setOver] = useState<Over>(null);
  const [selected, setSelected] = useState<string | null>(null);
  const search = useRef<HTMLInputElement>(null);
  const { act, actOnAll, add, ...told } = useActions(backend);
  const pulls = !backend.absent.pull;
  const deletes = !backend.absent.deleteFile;

  // Typing stays ahead of a long list.
  const wanted = useDeferredValue(query);
  const [sorted] = useState(createSorter);
  const found = useMemo(() => matching(downloads, group, wanted), [downloads, group, wanted]);
  const shown = useMemo(() => sorted(found, sort), [sorted, found, sort]);
  const [pausable, resumable] = useMemo(() => {
    const able = (action: Action) => downloads.filter((row) => row.can.includes(action)).map((row) => row.id);
    return [able("pause"), able("resume")];
  }, [downloads]);
  const picked = useMemo(() => downloads.find((row) => row.id === selected), [downloads, selected]);

  const openAddWith = (given: string) => { setOver({ kind: "add", given }); };
  const openAdd = () => { openAddWith(""); };
  const openSettings = () => { setOver({ kind: "settings" }); };
  const close = () => { setOver(null); };
  const toggleDetails = () => { setDetails(details === "shown" ? "hidden" : "shown"); };
  useGiven(openAddWith);
  useKeys({
    rows: shown, selected, deletes, select: setSelected, act,
    commands: { n: openAdd, f: () => { search.current?.select(); }, ",": openSettings },
  });
  return (
    <LucideProvider strokeWidth={1.75}>
      <Tips>
        <div className="flex h-screen select-none">
          <Sidebar mark={mark} group={group} choose={setGroup} totals={totals} server={server} />
          <main className="flex min-w-0 flex-1 flex-col">
            <Header search={search} query={query} setQuery={setQuery} sort={sort} setSort={setSort}
              speed={pulls ? totals.speed : null} settings={openSettings} add={openAdd}
              pauseAll={pausable.length > 0 ? () => { actOnAll("pause", pausable); } : null}
              resumeAll={resumable.length > 0 ? () => { actOnAll("resume", resumable); } : null}
              details={details === "shown"} toggleDetails={toggleDetails} />
            <Told backend={backend} list={list} problem={told.problem} dismissProblem={told.dismissProblem} />
            {downloads.length === 0
              ? <Empty backend={backend} online={server.state === "online"} add={add} />
              : shown.length === 0
                ? <NothingShown query={wanted} showAll={() => { setQuery(""); setGroup("all"); }} />
                : <VirtualList rows={shown} selected={selected} density={density} pulls={pulls} deletes={deletes}
                    select={setSelected} act={act} />}
            {picked && details === "shown" && (
              <Details backend={backend} row={picked} close={toggleDetails} />
            )}
          </main>
        </div>
        {over?.kind === "add" && (
          <AddDialog key={over.given} backend={backend} given={over.given} add={add} close={close} />
        )}
        {over?.kind === "settings" && (
          <SettingsDialog backend={backend} density={density} setDensity={setDensity} close={close} />
        )}
        {told.removal && <RemoveDialog removal={told.removal} remove={told.remove} close={told.keepRow} />}
      </Tips>
    </LucideProvider>
  );
}
