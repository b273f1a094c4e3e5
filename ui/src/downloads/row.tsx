// One download: name, one bar of two parts, what it does now, what can be done.
import { BadgeCheck, CircleStop, FolderOpen, Pause, Play, RotateCcw, SquareArrowOutUpRight, TriangleAlert, X } from "lucide-react";
import type { Action } from "../backend/generated/Action";
import type { DownloadView } from "../backend/generated/DownloadView";
import { t } from "../i18n/t";
import { bytes, duration } from "../kit/format";
import { FileIcon } from "./file-icon";
import { sentence } from "./sentence";

const ICONS = { pause: Pause, resume: Play, cancel: CircleStop, retry: RotateCcw, remove: X, open: SquareArrowOutUpRight, showInFolder: FolderOpen };
const MOVING = new Set(["preparing", "downloading", "verifying"]);

interface Props {
  row: DownloadView;
  selected: boolean;
  select: (id: string) => void;
  act: (action: Action, id: string) => void;
}

export function Row({ row, selected, select, act }: Props) {
  const done = row.state === "completed";
  const made = done ? 100 : (row.made?.percent ?? 0);
  const pulled = done ? 100 : row.pulled?.total ? (100 * row.pulled.done) / row.pulled.total : 0;
  const progress = Math.floor((made + pulled) / 2);
  const status = sentence(row);
  return (
    <li data-testid="download-row" data-id={row.id} data-state={row.state} data-progress={progress} aria-current={selected}
      onClick={() => { select(row.id); }} className="group flex h-16 items-center gap-3 border-b border-line px-4 aria-current:bg-picked">
      <FileIcon name={row.name} />
      <div className="min-w-0 flex-1">
        <div className="truncate font-medium" title={row.name}>{row.name}</div>
        {done ? null : (
          <div role="progressbar" aria-label={row.name} aria-valuenow={progress} className="my-1 flex h-1 gap-px">
            <Part percent={made} tone="bg-made" />
            <Part percent={pulled} tone="bg-accent" />
          </div>
        )}
        <div title={status} className={`flex items-center gap-1 ${row.fault ? "text-bad" : row.path !== null && done ? "text-good" : "text-dim"}`}>
          {row.fault && <TriangleAlert aria-hidden size={14} className="shrink-0" />}
          {row.path !== null && done && <BadgeCheck aria-hidden size={14} className="shrink-0" />}
          <span className="truncate">{status}</span>
        </div>
      </div>
      <Figure wide="w-20">{row.size === null ? "" : bytes(row.size)}</Figure>
      <Figure wide="w-24 max-md:hidden">{MOVING.has(row.state) && row.speed !== null ? `${bytes(row.speed)}/s` : ""}</Figure>
      <Figure wide="w-24 max-lg:hidden">{row.etaSeconds === null ? "" : duration(row.etaSeconds)}</Figure>
      <div className="flex w-32 justify-end gap-0.5">
        {row.can.map((action) => {
          const Icon = ICONS[action];
          return (
            <button key={action} type="button" data-testid={`row-action-${action}`} aria-label={t(action)} title={t(action)}
              onClick={(event) => { event.stopPropagation(); act(action, row.id); }} className="rounded p-1.5 text-dim hover:bg-line hover:text-ink">
              <Icon aria-hidden size={16} strokeWidth={1.75} />
            </button>
          );
        })}
      </div>
    </li>
  );
}

function Part({ percent, tone }: { percent: number; tone: string }) {
  return <div className="flex-1 overflow-hidden rounded-full bg-line"><div className={`h-full ${tone}`} style={{ width: `${percent}%` }} /></div>;
}

function Figure({ wide, children }: { wide: string; children: string }) {
  return <div className={`${wide} shrink-0 text-right text-dim tabular-nums`}>{children}</div>;
}
