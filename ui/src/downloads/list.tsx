// The list: only the rows in sight exist, whatever the number.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import type { Action } from "../backend/generated/Action";
import type { DownloadView } from "../backend/generated/DownloadView";
import { t } from "../i18n/t";
import { Row } from "./row";

export function VirtualList({ rows, act }: { rows: DownloadView[]; act: (action: Action, id: string) => void }) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => 56, overscan: 8 });
  const items = virtual.getVirtualItems();
  return (
    <div ref={scroller} className="flex-1 overflow-auto">
      <ul aria-label={t("list")} style={{ height: virtual.getTotalSize(), paddingTop: items[0]?.start ?? 0 }}>
        {items.map((item) => { const row = rows[item.index]; return row && <Row key={row.id} row={row} act={act} />; })}
      </ul>
    </div>
  );
}
