// One download as a row of the grid: name, what it does now, its figures, what can be done.
import { BadgeCheck, CircleCheck, Gauge, TriangleAlert } from "lucide-react";
import { type DragEvent, memo, type ReactNode, useState } from "react";
import type { DownloadView } from "../backend/generated/DownloadView";
import { t } from "../i18n/t";
import { IconButton } from "../kit/button";
import { bytes, duration, speed, when } from "../kit/format";
import { Name } from "../kit/name";
import { tip } from "../kit/tooltip";
import { type Act, look } from "./actions";
import { Bar, partsOf } from "./bar";
import type { Column } from "./columns";
import { FileIcon } from "./kinds";
import type { Pick as PickRow } from "./selection";
import { sentence } from "./sentence";
import { sourceOf } from "./shown";

const MOVING = new Set(["preparing", "downloading", "verifying"]);
/** What comes and goes with the state: a click of which the pressed part is gone at its end is no click. */
const UNTOUCHED = "pointer-events-none";
/** A screen that is touched: nothing comes near a row before it is meant. */
const HOVERLESS = matchMedia("(hover: none)").matches;

export interface RowProps {
  row: DownloadView;
  selected: boolean;
  /** The one row that the Tab key comes to. */
  tabbed: boolean;
  /** Its place in the list, from 1: not all rows exist. */
  place: number;
  height: number;
  /** Two lines: the sentence stands below the name. */
  tall: boolean;
  columns: readonly Column[];
  pulls: boolean;
  pick: PickRow;
  act: Act;
  /** Dragged to another place in the queue; null where it has none. */
  drag: ((event: DragEvent, id: string) => void) | null;
}

export const Row = memo(function Row({
  row, selected, tabbed, place, height, tall, columns, pulls, pick, act, drag,
}: RowProps) {
  const [pointed, setPointed] = useState(false);
  const [focused, setFocused] = useState(false);
  const parts = partsOf(row, pulls);
  const status = <Status row={row} pulls={pulls} tall={tall} />;
  const moving = MOVING.has(row.state);
  const cells: Record<Column, () => ReactNode> = {
    status: () => status,
    progress: () => row.state !== "completed" && row.state !== "cancelled" && (
      <div className={`flex items-center gap-2 ${UNTOUCHED}`}>
        <Bar name={row.name} parts={parts} still={!moving} />
        <span className="w-[5.5ch] shrink-0 text-right whitespace-nowrap text-dim tabular-nums">{t("percent", { percent: parts.whole })}</span>
      </div>
    ),
    size: () => <Figure>{row.size === null ? "" : bytes(row.size)}</Figure>,
    speed: () => <Figure>{moving && row.speed !== null ? speed(row.speed) : ""}</Figure>,
    left: () => (
      <Figure>{row.endedAt ? when(row.endedAt) : row.etaSeconds === null ? "" : duration(row.etaSeconds)}</Figure>
    ),
    added: () => <Figure>{when(row.addedAt)}</Figure>,
    source: () => <span title={sourceOf(row)} className="block truncate text-dim">{sourceOf(row)}</span>,
  };
  return (
    <div role="row" data-testid="download-row" data-id={row.id} data-state={row.state} data-progress={parts.whole}
      aria-label={row.name} aria-selected={selected} aria-rowindex={place + 1} tabIndex={tabbed ? 0 : -1}
      style={{ height, gridTemplateColumns: "var(--columns)" }} draggable={drag !== null}
      onClick={(event) => { pick(row.id, event); }}
      onDragStart={drag ? (event) => { drag(event, row.id); } : undefined}
      // Not onPointerEnter: React misses it where what was under the pointer is taken away.
      onPointerOver={() => { setPointed(true); }} onPointerLeave={() => { setPointed(false); }}
      onFocus={() => { setFocused(true); }}
      onBlur={(event) => { setFocused(event.currentTarget.contains(event.relatedTarget)); }}
      className="grid items-center gap-3 border-b border-line px-4 -outline-offset-2 aria-selected:chosen-line">
      <div role="gridcell" className="flex min-w-0 items-center gap-3">
        <FileIcon name={row.name} size={tall ? 20 : 16} />
        <div className="flex min-w-0 flex-col gap-0.5">
          <Name name={row.name} className="font-medium" />
          {tall && status}
        </div>
      </div>
      {columns.map((column) => <div key={column} role="gridcell" className="min-w-0">{cells[column]()}</div>)}
      <div role="gridcell" className="flex justify-end gap-0.5">
        {(pointed || focused || row.fault || HOVERLESS) && row.can.map((action) => (
          <IconButton key={action} {...look(action, pulls)} data-testid={`row-action-${action}`}
            tabIndex={tabbed ? 0 : -1} onClick={(event) => { event.stopPropagation(); act(action, [row]); }} />
        ))}
      </div>
    </div>
  );
});

/** A failure has two lines where there is room for them, and its tooltip tells the whole of it. */
function Status({ row, pulls, tall }: Pick<RowProps, "row" | "pulls" | "tall">) {
  const text = sentence(row, pulls);
  const here = row.state === "completed" && pulls && row.path !== null;
  const tone = row.fault ? "text-bad" : here && row.proven ? "text-good" : "text-dim";
  const Icon = row.fault ? TriangleAlert : here ? (row.proven ? BadgeCheck : CircleCheck) : null;
  return (
    <div {...(row.fault ? tip(text) : { title: text })} className={`flex min-w-0 items-center gap-1 ${tone}`}>
      {Icon && <Icon aria-hidden size={14} className={`shrink-0 ${UNTOUCHED}`} />}
      <span className={row.fault && tall ? "line-clamp-2 text-[12px] leading-[1.2]" : "truncate"}>{text}</span>
      {row.limit !== null && (
        <Gauge size={14} className={`shrink-0 ${UNTOUCHED}`} role="img"
          aria-label={t("limitedTo", { speed: speed(row.limit) })} />
      )}
    </div>
  );
}

function Figure({ children }: { children: string }) {
  return <span className="block truncate text-right text-dim tabular-nums">{children}</span>;
}
