// One download: name, one bar of two parts, what it does now, what can be done.
import type { Action } from "../backend/generated/Action";
import type { DownloadView } from "../backend/generated/DownloadView";
import { t } from "../i18n/t";
import { bytes, duration } from "../kit/format";

export function Row({ row, act }: { row: DownloadView; act: (action: Action, id: string) => void }) {
  const made = row.state === "completed" ? 100 : (row.made?.percent ?? 0);
  const pulled = row.state === "completed" ? 100 : row.pulled?.total ? (100 * row.pulled.done) / row.pulled.total : 0;
  const progress = Math.floor((made + pulled) / 2);
  const status = row.state === "completed" && row.path ? t("s_verified") : t(`s_${row.state}`);
  return (
    <li data-testid="download-row" data-id={row.id} data-state={row.state} data-progress={progress}
      className="flex h-14 items-center gap-3 border-b border-line px-4">
      <div className="min-w-0 flex-1">
        <div className="truncate font-medium">{row.name}</div>
        <div role="progressbar" aria-label={row.name} aria-valuenow={progress} className="my-1 flex h-1 overflow-hidden rounded bg-line">
          <div className="bg-accent" style={{ width: `${pulled / 2 + (row.state === "completed" ? 50 : 0)}%` }} />
          <div className="bg-made" style={{ width: `${row.state === "completed" ? 0 : made / 2}%` }} />
        </div>
        <div className={row.fault ? "truncate text-bad" : "truncate text-dim"}>{row.fault?.message ?? row.pulled?.trouble ?? status}</div>
      </div>
      <div className="w-24 text-right text-dim tabular-nums">{row.size === null ? "" : bytes(row.size)}</div>
      <div className="w-24 text-right text-dim tabular-nums max-md:hidden">{row.speed === null ? "" : `${bytes(row.speed)}/s`}</div>
      <div className="w-28 text-right text-dim tabular-nums max-lg:hidden">{row.etaSeconds === null ? "" : duration(row.etaSeconds)}</div>
      {row.can.map((action) => (
        <button key={action} type="button" data-testid={`row-action-${action}`} onClick={() => { act(action, row.id); }}
          className="rounded border border-line px-2 py-1 hover:bg-side">{t(action)}</button>
      ))}
    </li>
  );
}
