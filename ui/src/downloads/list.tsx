// The list: only the rows in sight exist, whatever the number.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import type { Action } from "../backend/generated/Action";
import type { DownloadView } from "../backend/generated/DownloadView";
import { t } from "../i18n/t";
import { Row } from "./row";

const ROW_HEIGHT = 64;

interface Props {
  rows: DownloadView[];
  selected: string | null;
  select: (id: string) => void;
  act: (action: Action, id: string) => void;
}

export function VirtualList({ rows, selected, select, act }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW_HEIGHT, overscan: 8 });
  const items = virtual.getVirtualItems();
  return (
    <div ref={scroller} className="min-h-0 flex-1 overflow-auto">
      <ul aria-label={t("list")} style={{ height: virtual.getTotalSize(), paddingTop: items[0]?.start ?? 0 }}>
        {items.map((item) => {
          const row = rows[item.index];
          return row && <Row key={row.id} row={row} selected={row.id === selected} select={select} act={act} />;
        })}
      </ul>
    </div>
  );
}
