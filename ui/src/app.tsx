// The window: sidebar with counts, header, the list.
import { useState } from "react";
import { AddPanel } from "./add/add-panel";
import type { Backend } from "./backend/backend";
import type { DownloadState } from "./backend/generated/DownloadState";
import type { Snapshot } from "./backend/generated/Snapshot";
import { VirtualList } from "./downloads/list";
import { t } from "./i18n/t";
import { bytes } from "./kit/format";

const GROUPS = {
  all: null, active: ["preparing", "downloading", "verifying"], waiting: ["queued", "paused"],
  completed: ["completed"], failed: ["failed", "cancelled"],
} as const satisfies Record<string, readonly DownloadState[] | null>;
type Group = keyof typeof GROUPS;

export function App({ backend, useList }: { backend: Backend; useList: () => Snapshot }) {
  const { downloads, totals, server } = useList();
  const [group, setGroup] = useState<Group>("all");
  const [query, setQuery] = useState("");
  const [adding, setAdding] = useState(false);
  const [problem, setProblem] = useState("");
  const states: readonly DownloadState[] | null = GROUPS[group];
  const shown = downloads.filter((row) => (!states || states.includes(row.state)) && row.name.toLowerCase().includes(query.toLowerCase()));
  const run = (work: Promise<unknown>) => {
    work.then(() => { setProblem(""); }, (error: unknown) => { setProblem(error instanceof Error ? error.message : String(error)); });
  };
  const link = server.state === "offline"
    ? t("offline", { reason: server.reason, time: new Date(server.nextTryAt).toLocaleTimeString() }) : t(server.state);
  return (
    <div className="flex h-screen">
      <nav className="flex w-40 flex-col gap-1 border-r border-line bg-side p-3">
        <h1 className="mb-2 font-semibold">Longhaul</h1>
        {(Object.keys(GROUPS) as Group[]).map((name) => (
          <button key={name} type="button" aria-pressed={group === name} onClick={() => { setGroup(name); }}
            className="flex justify-between rounded px-2 py-1 aria-pressed:bg-line"><span>{t(name)}</span><span className="tabular-nums">{totals[name]}</span></button>
        ))}
        <p data-testid="server-state" data-state={server.state} role="status" className="mt-auto text-dim">{link}</p>
      </nav>
      <main className="flex min-w-0 flex-1 flex-col">
        <header className="flex items-center gap-3 border-b border-line p-3">
          <input type="search" aria-label={t("search")} placeholder={t("search")} value={query}
            onChange={(event) => { setQuery(event.target.value); }} className="min-w-0 flex-1 rounded border border-line p-1.5" />
          <span className="w-24 text-right tabular-nums">{bytes(totals.speed)}/s</span>
          <button type="button" data-testid="add-button" aria-expanded={adding} onClick={() => { setAdding(!adding); }}
            className="rounded bg-accent px-3 py-1.5 text-page">{t("add")}</button>
        </header>
        {problem && <p role="alert" className="p-3 text-bad">{problem}</p>}
        {adding && <AddPanel backend={backend} add={(items) => { run(backend.add({ items })); }} />}
        {shown.length === 0 ? <p className="m-auto text-dim">{t("empty")}</p> : (
          <VirtualList rows={shown} act={(action, id) => {
            run(action === "remove" ? backend.remove([id], false) : backend.act(action, [id]));
          }} />
        )}
      </main>
    </div>
  );
}
