// The list: only the rows in sight exist, whatever the number; one menu serves them all.
import { useVirtualizer } from "@tanstack/react-virtual";
import { type DragEvent, type MouseEvent, useCallback, useEffect, useMemo, useState } from "react";
import type { DownloadView } from "../backend/generated/DownloadView";
import type { QueuePlace } from "../backend/generated/QueuePlace";
import { t } from "../i18n/t";
import { Context, type MenuEntry } from "../kit/menu";
import type { Act } from "./actions";
import { type Column, fitting, type Layout, template } from "./columns";
import { focusRow, idAt, rowOf } from "./focus";
import { ListHead } from "./list-head";
import { lastSpot, placeAt, ROWS, type Spot, spotOf } from "./queue";
import { Row } from "./row";
import type { Pick, Picked } from "./selection";
import type { Sort } from "./shown";

export const HEIGHTS = { comfortable: 52, compact: 32 };
export type Density = keyof typeof HEIGHTS;

interface Common {
  rows: readonly DownloadView[];
  picked: Picked;
  pulls: boolean;
  pick: Pick;
  act: Act;
}

interface Props extends Common {
  density: Density;
  layout: Layout;
  setLayout: (layout: Layout) => void;
  sort: Sort;
  setSort: (sort: Sort) => void;
  /** What the menu of the picked rows lists. */
  entries: readonly MenuEntry[];
  /** Puts the picked rows there; null where the list is in another order than the queue. */
  put: ((place: QueuePlace) => void) | null;
}

export function VirtualList({
  rows, picked, density, layout, setLayout, sort, setSort, pulls, pick, act, entries, put,
}: Props) {
  const [scroller, setScroller] = useState<HTMLDivElement | null>(null);
  const [width, setWidth] = useState(1000);
  const [over, setOver] = useState<Spot | null>(null);
  const tall = density === "comfortable";
  useEffect(() => {
    if (!scroller) return;
    const watch = new ResizeObserver(([entry]) => { if (entry) setWidth(entry.contentRect.width); });
    watch.observe(scroller);
    return () => { watch.disconnect(); };
  }, [scroller]);
  const columns = useMemo(() => {
    // In one line the name has no room for the sentence: it gets a column of its own.
    const shown = tall ? layout : { ...layout, status: { ...layout.status, shown: true } };
    return fitting(shown, width);
  }, [layout, width, tall]);
  const ask = (event: MouseEvent) => {
    const id = idAt(event.target);
    if (id === null) event.preventDefault();
    else if (!picked.ids.has(id)) pick(id, { shiftKey: false, ctrlKey: false, metaKey: false });
  };
  const drag = useCallback((event: DragEvent, id: string) => {
    const chosen = picked.ids.has(id) ? picked.ids : new Set([id]);
    if (!picked.ids.has(id)) pick(id, { shiftKey: false, ctrlKey: false, metaKey: false });
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData(ROWS, [...chosen].join(" "));
  }, [picked.ids, pick]);
  const placeOf = (event: DragEvent): QueuePlace | null => {
    if (onHead(event)) return null;
    const spot = spotAt(event);
    // Below all rows.
    if (!spot) return lastSpot(rows) && { at: "last" };
    return placeAt(rows, picked.ids, spot);
  };
  const dragOver = (event: DragEvent) => {
    if (!put || !event.dataTransfer.types.includes(ROWS)) return;
    const place = placeOf(event);
    const spot = place && spotOf(rows, place);
    setOver((before) => (spot && before?.id === spot.id && before.below === spot.below ? before : spot));
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = place ? "move" : "none";
  };
  const drop = (event: DragEvent) => {
    setOver(null);
    if (!put || !event.dataTransfer.types.includes(ROWS)) return;
    event.preventDefault();
    event.stopPropagation();
    const place = placeOf(event);
    if (place) put(place);
  };
  const at = useMemo(
    () => (picked.lead === null ? -1 : rows.findIndex((row) => row.id === picked.lead)), [rows, picked.lead],
  );
  return (
    <div ref={setScroller} className="min-h-0 flex-1 overflow-auto">
      <Context entries={entries} name={t("actions", { name: rows[at]?.name ?? "" })} refocus={() => { focusRow(picked.lead); }}>
        <div role="grid" aria-label={t("list")} aria-multiselectable aria-rowcount={rows.length + 1}
          style={{ ["--columns" as string]: template(layout, columns) }} onContextMenu={ask}
          className="min-h-full" onDragOver={dragOver} onDragEnd={() => { setOver(null); }} onDrop={drop}
          onDragLeave={(event) => { if (!within(event)) setOver(null); }}>
          <ListHead layout={layout} setLayout={setLayout} columns={columns} sort={sort} setSort={setSort} />
          <Rows scroller={scroller} rows={rows} at={at} picked={picked} over={over} tall={tall} height={HEIGHTS[density]}
            columns={columns} pulls={pulls} pick={pick} act={act} drag={put ? drag : null} />
        </div>
      </Context>
    </div>
  );
}

interface RowsProps extends Common {
  scroller: HTMLElement | null;
  /** The place of the row that the keys move from; -1 where there is none. */
  at: number;
  /** Where what is dragged would come to stand. */
  over: Spot | null;
  tall: boolean;
  height: number;
  columns: readonly Column[];
  drag: ((event: DragEvent, id: string) => void) | null;
}

/** A line where what is dragged would come to stand. */
const MARKS = "data-[drop=above]:shadow-[inset_0_2px_var(--color-accent)] data-[drop=below]:shadow-[inset_0_-2px_var(--color-accent)]";

/** Those in sight. Apart from the list: only they are drawn anew by scrolling. */
function Rows({ scroller, rows, at, picked, over, tall, height, columns, pulls, pick, act, drag }: RowsProps) {
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller,
    estimateSize: () => height,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 4,
  });
  useEffect(() => { virtual.measure(); }, [virtual, height]);
  // Only a new choice moves the list: a row that moves by itself is not run after.
  useEffect(() => {
    const drawn = rowOf(picked.lead);
    if (drawn) drawn.scrollIntoView({ block: "nearest" });
    else if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [picked.lead]);
  const items = virtual.getVirtualItems();
  const tabbed = at >= 0 ? at : 0;
  return (
    <div role="rowgroup" style={{ height: virtual.getTotalSize(), paddingTop: items[0]?.start ?? 0 }}>
      {items.map((item) => {
        const row = rows[item.index];
        return row && (
          <div key={row.id} role="presentation" className={MARKS}
            data-drop={over?.id === row.id ? (over.below ? "below" : "above") : undefined}>
            <Row row={row} selected={picked.ids.has(row.id)} tabbed={item.index === tabbed} place={item.index + 1}
              height={height} tall={tall} columns={columns} pulls={pulls} pick={pick} act={act}
              drag={row.endedAt === null ? drag : null} />
          </div>
        );
      })}
    </div>
  );
}

/** Above or below the middle of the row under the pointer. */
function spotAt({ target, clientY }: DragEvent): Spot | null {
  const row = target instanceof Element ? target.closest<HTMLElement>("[data-id]") : null;
  const id = row?.dataset.id;
  if (!row || !id) return null;
  const { top, height } = row.getBoundingClientRect();
  return { id, below: clientY > top + height / 2 };
}

/** The head stays where it is while rows go by below it: it is no place among them. */
function onHead({ target }: DragEvent): boolean {
  return target instanceof Element && target.closest("[aria-rowindex='1']") !== null;
}

function within({ currentTarget, relatedTarget }: DragEvent): boolean {
  return relatedTarget instanceof Node && currentTarget.contains(relatedTarget);
}
