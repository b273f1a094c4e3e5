// One download: name, one bar of two parts, what it does now, what can be done.
import { BadgeCheck, TriangleAlert } from "lucide-react";
import { memo } from "react";
import type { DownloadView } from "../backend/generated/DownloadView";
import { IconButton } from "../kit/button";
import { bytes, duration, speed, when } from "../kit/format";
import { Name } from "../kit/name";
import { type Act, look } from "./actions";
import { Bar, partsOf } from "./bar";
import { FileIcon } from "./file-icon";
import { sentence } from "./sentence";

const MOVING = new Set(["preparing", "downloading", "verifying"]);

export interface RowProps {
  row: DownloadView;
  selected: boolean;
  /** The one row that the Tab key comes to. */
  tabbed: boolean;
  /** Its place in the list, from 1, and how long that is: not all rows exist. */
  place: number;
  count: number;
  height: number;
  pulls: boolean;
  select: (id: string) => void;
  act: Act;
}

export const Row = memo(function Row({ row, selected, tabbed, place, count, height, pulls, select, act }: RowProps) {
  const done = row.state === "completed";
  const parts = partsOf(row, pulls);
  const status = sentence(row, pulls);
  const sealed = done && pulls && row.path !== null;
  const tone = row.fault ? "text-bad" : sealed ? "text-good" : "text-dim";
  const moving = MOVING.has(row.state);
  const time = row.endedAt ? when(row.endedAt) : row.etaSeconds === null ? "" : duration(row.etaSeconds);
  return (
    <li data-testid="download-row" data-id={row.id} data-state={row.state} data-progress={parts.whole}
      aria-label={row.name} aria-current={selected} aria-posinset={place} aria-setsize={count}
      tabIndex={tabbed ? 0 : -1} style={{ height }} onClick={() => { select(row.id); }}
      onFocus={(event) => { if (event.target === event.currentTarget) select(row.id); }}
      className="flex items-center gap-3 border-b border-line px-4 -outline-offset-2 aria-current:bg-picked">
      <FileIcon name={row.name} />
      <div className="flex min-w-0 flex-1 flex-col gap-1">
        <Name name={row.name} className="font-medium" />
        {!done && row.state !== "cancelled" && <Bar name={row.name} parts={parts} still={!moving} />}
        <div title={status} className={`flex items-center gap-1 ${tone}`}>
          {row.fault && <TriangleAlert aria-hidden size={14} className="shrink-0" />}
          {sealed && <BadgeCheck aria-hidden size={14} className="shrink-0" />}
          <span className="truncate">{status}</span>
        </div>
      </div>
      <Figure wide="w-20 @max-4xl:hidden">{row.size === null ? "" : bytes(row.size)}</Figure>
      <Figure wide="w-24 @max-2xl:hidden">{moving && row.speed !== null ? speed(row.speed) : ""}</Figure>
      <Figure wide="w-32 @max-xl:hidden">{time}</Figure>
      <div className="flex w-24 shrink-0 justify-end gap-0.5">
        {row.can.map((action) => (
          <IconButton key={action} {...look(action, pulls)} data-testid={`row-action-${action}`}
            tabIndex={tabbed ? 0 : -1} onClick={(event) => { event.stopPropagation(); act(action, row); }} />
        ))}
      </div>
    </li>
  );
});

function Figure({ wide, children }: { wide: string; children: string }) {
  return <div className={`${wide} shrink-0 text-right whitespace-nowrap text-dim tabular-nums`}>{children}</div>;
}
