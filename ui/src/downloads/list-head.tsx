// The list's head: a click sorts, the edge of a column changes its width, its menu shows and hides.
import { ArrowDown, ArrowUp } from "lucide-react";
import type { PointerEvent } from "react";
import { t } from "../i18n/t";
import { Checks } from "../kit/menu";
import { clamped, type Column, COLUMNS, type Layout, SORTED_BY, TITLES } from "./columns";
import type { Sort } from "./shown";

interface Props {
  layout: Layout;
  setLayout: (layout: Layout) => void;
  columns: readonly Column[];
  sort: Sort;
  setSort: (sort: Sort) => void;
}

/** What is sorted by words begins with A, what is sorted by figures with the largest. */
const UPWARD = new Set(["name", "status", "source", "left"]);
/** A step of the arrow keys. */
const STEP = 16;

export function ListHead({ layout, setLayout, columns, sort, setSort }: Props) {
  const sortBy = (column: Column | "name") => {
    const by = SORTED_BY[column];
    setSort({ by, down: sort.by === by ? !sort.down : !UPWARD.has(column) });
  };
  const widen = (column: Column, width: number) => {
    setLayout({ ...layout, [column]: { ...layout[column], width: clamped(width) } });
  };
  const drag = (event: PointerEvent<HTMLElement>, column: Column) => {
    const handle = event.currentTarget;
    const [from, width] = [event.clientX, layout[column].width];
    handle.setPointerCapture(event.pointerId);
    // The columns are held at the right: to the left is wider.
    const move = (now: globalThis.PointerEvent) => { widen(column, width + from - now.clientX); };
    const end = () => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("pointerup", end);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", end);
  };
  const shown = COLUMNS.map((value) => ({ value, name: t(TITLES[value]), on: layout[value].shown }));
  const show = (column: Column, on: boolean) => {
    setLayout({ ...layout, [column]: { ...layout[column], shown: on } });
  };
  const cell = (column: Column | "name") => {
    const now = sort.by === SORTED_BY[column];
    const Arrow = sort.down ? ArrowDown : ArrowUp;
    return (
      <div key={column} role="columnheader" aria-sort={now ? (sort.down ? "descending" : "ascending") : "none"}
        className="relative flex min-w-0 items-center">
        {column !== "name" && (
          <span role="separator" tabIndex={0} aria-orientation="vertical" aria-valuenow={layout[column].width}
            aria-label={t("columnWidth", { column: t(TITLES[column]) })}
            onPointerDown={(event) => { drag(event, column); }}
            onKeyDown={(event) => {
              const step = { ArrowLeft: STEP, ArrowRight: -STEP }[event.key];
              if (step === undefined) return;
              event.preventDefault();
              event.stopPropagation();
              widen(column, layout[column].width + step);
            }}
            className="absolute inset-y-1.5 -left-2 w-2 cursor-col-resize touch-none border-r border-edge" />
        )}
        <button type="button" data-testid={`sort-${column}`} onClick={() => { sortBy(column); }}
          className={`flex h-full min-w-0 flex-1 items-center gap-1 px-1 hover:text-ink
            ${["name", "source", "status", "progress"].includes(column) ? "" : "justify-end"}`}>
          <span className="truncate">{t(TITLES[column])}</span>
          {now && <Arrow aria-hidden size={12} className="shrink-0" />}
        </button>
      </div>
    );
  };
  return (
    <Checks label={t("columns")} checks={shown} set={show}>
      <div role="row" aria-rowindex={1} data-testid="list-head" style={{ gridTemplateColumns: "var(--columns)" }}
        className="sticky top-0 z-10 grid h-7 items-stretch gap-3 border-b border-line bg-page px-4 text-[12px] text-dim">
        {cell("name")}
        {columns.map(cell)}
        <div role="columnheader" aria-label={t("rowActions")} />
      </div>
    </Checks>
  );
}
