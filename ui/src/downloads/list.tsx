// The list: only the rows in sight exist, whatever the number; one menu serves them all.
import { useVirtualizer } from "@tanstack/react-virtual";
import { type MouseEvent, useEffect, useRef, useState } from "react";
import type { DownloadView } from "../backend/generated/DownloadView";
import { t } from "../i18n/t";
import { Context } from "../kit/menu";
import { type Act, menuOf } from "./actions";
import { Row } from "./row";

const HEIGHTS = { comfortable: 68, compact: 54 };
export type Density = keyof typeof HEIGHTS;

interface Props {
  rows: readonly DownloadView[];
  selected: string | null;
  density: Density;
  pulls: boolean;
  deletes: boolean;
  select: (id: string) => void;
  act: Act;
}

export function VirtualList({ rows, selected, density, pulls, deletes, select, act }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [asked, setAsked] = useState<string | null>(null);
  const height = HEIGHTS[density];
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 8,
  });
  useEffect(() => { virtual.measure(); }, [virtual, height]);
  const at = rows.findIndex((row) => row.id === selected);
  // Only a new choice moves the list: a row that moves by itself is not run after.
  useEffect(() => {
    const drawn = rowOf(selected);
    if (drawn) drawn.scrollIntoView({ block: "nearest" });
    else if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected]);
  const items = virtual.getVirtualItems();
  const askedOf = rows.find((row) => row.id === asked);
  const tabbed = at >= 0 ? at : 0;
  const ask = (event: MouseEvent) => {
    const id = event.target instanceof Element && event.target.closest<HTMLElement>("li[data-id]")?.dataset.id;
    if (!id) {
      event.preventDefault();
      return;
    }
    setAsked(id);
    select(id);
  };
  return (
    <div ref={scroller} className="@container min-h-0 flex-1 overflow-auto">
      <Context entries={askedOf ? menuOf(askedOf, { pulls, deletes }, act) : []}
        name={t("actions", { name: askedOf?.name ?? "" })} refocus={() => { focusRow(asked); }}>
        <ul aria-label={t("list")} onContextMenu={ask}
          style={{ height: virtual.getTotalSize(), paddingTop: items[0]?.start ?? 0 }}>
          {items.map((item) => {
            const row = rows[item.index];
            return row && (
              <Row key={row.id} row={row} selected={row.id === selected} tabbed={item.index === tabbed}
                place={item.index + 1} count={rows.length} height={height} pulls={pulls} select={select} act={act} />
            );
          })}
        </ul>
      </Context>
    </div>
  );
}

function rowOf(id: string | null): HTMLElement | null {
  return id === null ? null : document.querySelector(`li[data-id="${CSS.escape(id)}"]`);
}

/** A far row is drawn some frames after it is scrolled to; a row that is gone never is. */
const FRAMES = 30;

/** The row takes the focus, as soon as it is drawn. */
export function focusRow(id: string | null, frames = FRAMES): void {
  requestAnimationFrame(() => {
    const row = rowOf(id);
    if (row) row.focus({ preventScroll: true });
    else if (frames > 0) focusRow(id, frames - 1);
  });
}
