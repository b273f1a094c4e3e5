// The window: sidebar with counts, header, what must be told, the list, one download in full.
import { Pause, Play, Plus, Search, Settings as SettingsIcon } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import mark from "../../icons/longhaul.svg";
import { AddPanel } from "./add/add-panel";
import type { Backend } from "./backend/backend";
import type { Action } from "./backend/generated/Action";
import type { DownloadView } from "./backend/generated/DownloadView";
import { Details } from "./details/details";
import { Empty } from "./downloads/empty";
import { GROUPS, type Group, Sidebar } from "./downloads/sidebar";
import { Sparkline } from "./downloads/sparkline";
import type { Store } from "./downloads/store";
import { VirtualList } from "./downloads/list";
import { t } from "./i18n/t";
import { bytes } from "./kit/format";
import { SignIn } from "./kit/sign-in";
import { SettingsPanel } from "./settings/settings-panel";

type Panel = "add" | "settings" | null;

export function App({ backend, store }: { backend: Backend; store: Store }) {
  const { downloads, totals, server, notices } = store.useList();
  const [group, setGroup] = useState<Group>("all");
  const [query, setQuery] = useState("");
  const [panel, setPanel] = useState<Panel>(null);
  const [selected, setSelected] = useState<string | null>(null);
  const [problem, setProblem] = useState("");
  const search = useRef<HTMLInputElement>(null);
  const states: readonly string[] | null = GROUPS[group];
  const shown = downloads.filter((row) => (!states || states.includes(row.state)) && row.name.toLowerCase().includes(query.toLowerCase()));
  const picked = downloads.find((row) => row.id === selected);
  const run = (work: Promise<unknown>) => {
    work.then(() => { setProblem(""); }, (error: unknown) => { setProblem(error instanceof Error ? error.message : String(error)); });
  };
  const act = (action: Action, ids: string[]) => {
    if (ids.length > 0) run(action === "remove" ? backend.remove(ids, false) : backend.act(action, ids));
  };
  const able = (action: Action) => downloads.filter((row) => row.can.includes(action)).map((row) => row.id);
  const key = (event: KeyboardEvent) => {
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key === "n") setPanel("add");
    else if (command && event.key === "f") search.current?.focus();
    else if (event.key === "Escape") { setPanel(null); setSelected(null); }
    else if (event.target instanceof HTMLElement && event.target.closest("input, textarea, button")) return;
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const at = shown.findIndex((row) => row.id === selected);
      setSelected(shown[Math.max(0, Math.min(shown.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)))]?.id ?? null);
    } else {
      const action = picked && keyed(event.key, picked);
      if (!action) return;
      act(action, [picked.id]);
    }
    event.preventDefault();
  };
  useEffect(() => {
    window.addEventListener("keydown", key);
    return () => { window.removeEventListener("keydown", key); };
  });
  const pausable = able("pause");
  const resumable = able("resume");
  const open = (which: Panel) => { setPanel(panel === which ? null : which); };
  return (
    <div className="flex h-screen select-none">
      <Sidebar mark={mark} group={group} choose={setGroup} totals={totals} server={server} />
      <main className="flex min-w-0 flex-1 flex-col">
        <header className="flex items-center gap-2 border-b border-line p-3">
          <label className="flex min-w-0 flex-1 items-center gap-2 rounded-md border border-line px-2 focus-within:border-accent">
            <Search aria-hidden size={14} className="text-dim" />
            <input ref={search} type="search" aria-label={t("search")} placeholder={t("search")} value={query}
              onChange={(event) => { setQuery(event.target.value); }} className="min-w-0 flex-1 bg-transparent py-1.5 outline-none" />
          </label>
          <Sparkline speed={totals.speed} />
          <span className="w-20 text-right tabular-nums">{bytes(totals.speed)}/s</span>
          {pausable.length > 0 && <Tool name={t("pauseAll")} run={() => { act("pause", pausable); }}><Pause aria-hidden size={16} /></Tool>}
          {pausable.length === 0 && resumable.length > 0 && <Tool name={t("resumeAll")} run={() => { act("resume", resumable); }}><Play aria-hidden size={16} /></Tool>}
          <Tool name={t("settings")} run={() => { open("settings"); }}><SettingsIcon aria-hidden size={16} /></Tool>
          <button type="button" data-testid="add-button" aria-expanded={panel === "add"} onClick={() => { open("add"); }}
            className="flex items-center gap-1 rounded-md bg-accent px-3 py-1.5 font-medium text-page"><Plus aria-hidden size={14} />{t("add")}</button>
        </header>
        {server.state === "offline" && <p role="status" className="border-b border-line bg-side px-4 py-2">{t("offline", { reason: server.reason, time: new Date(server.nextTryAt).toLocaleTimeString() })}</p>}
        {notices.length > 0 && (
          <div role="alert" className="flex items-center gap-3 border-b border-line bg-side px-4 py-2">
            <div className="flex-1">{notices.map((notice) => <p key={notice.code + notice.message}>{notice.message}</p>)}</div>
            {backend.signIn && notices.some((notice) => notice.code === "unauthorized")
              ? <SignIn signIn={(token) => { store.dismissNotices(); backend.signIn?.(token); }} />
              : <button type="button" onClick={store.dismissNotices} className="rounded border border-line px-2 py-0.5">{t("dismiss")}</button>}
          </div>
        )}
        {problem && <p role="alert" className="border-b border-line px-4 py-2 text-bad">{problem}</p>}
        {panel === "add" && <AddPanel backend={backend} add={(items) => { run(backend.add({ items })); setPanel(null); }} />}
        {panel === "settings" && <SettingsPanel backend={backend} />}
        {downloads.length === 0 ? <Empty backend={backend} add={(items) => { run(backend.add({ items })); }} /> : (
          <VirtualList rows={shown} selected={selected} select={setSelected} act={(action, id) => { act(action, [id]); }} />
        )}
        {picked && <Details row={picked} close={() => { setSelected(null); }} />}
      </main>
    </div>
  );
}

/** What a key does to a row, of what can be done with it. */
function keyed(name: string, row: DownloadView): Action | undefined {
  const wanted: Record<string, Action[]> = { " ": ["pause", "resume", "retry"], Enter: ["open"], Delete: ["remove"], Backspace: ["remove"] };
  return wanted[name]?.find((action) => row.can.includes(action));
}

function Tool({ name, run, children }: { name: string; run: () => void; children: React.ReactNode }) {
  return <button type="button" aria-label={name} title={name} onClick={run} className="rounded-md p-1.5 text-dim hover:bg-line hover:text-ink">{children}</button>;
}
