// Where to look: by status, by kind of file and by time, with counts; and how the way to the server is.
import {
  CalendarDays, CircleCheck, Clock, Download, History, Layers, type LucideIcon, Sun, TriangleAlert,
} from "lucide-react";
import { useMemo } from "react";
import type { DownloadView } from "../backend/generated/DownloadView";
import type { ServerLink } from "../backend/generated/ServerLink";
import type { ServerView } from "../backend/generated/ServerView";
import type { Totals } from "../backend/generated/Totals";
import { t } from "../i18n/t";
import { whole } from "../kit/format";
import { tip } from "../kit/tooltip";
import { ServerDot } from "../settings/server-dot";
import { KIND_ICONS, KINDS } from "./kinds";
import { countsOf, type Day, DAYS, type Filter, type Group, GROUPS } from "./shown";

const ICONS: Record<Group, LucideIcon> = {
  all: Layers, active: Download, waiting: Clock, completed: CircleCheck, failed: TriangleAlert,
};
const DAY_ICONS: Record<Day, LucideIcon> = { today: Sun, week: CalendarDays, earlier: History };
const LINE = `flex h-8 shrink-0 items-center gap-2 rounded-md px-2 hover:bg-line aria-pressed:chosen-line
  aria-pressed:font-medium max-md:h-11 max-md:flex-col max-md:justify-center max-md:gap-0 max-md:px-0`;

interface Props {
  mark: string;
  rows: readonly DownloadView[];
  filter: Filter;
  /** Changes what the list is narrowed to; a second press widens it again. */
  narrow: (change: Partial<Filter>) => void;
  /** Null until there is a list. */
  totals: Totals | null;
  server: ServerLink;
  /** Those beside the first one. */
  servers: readonly ServerView[];
}

export function Sidebar({ mark, rows, filter, narrow, totals, server, servers }: Props) {
  const way = shortOf(server);
  const { kinds, days } = useMemo(() => countsOf(rows), [rows]);
  return (
    <nav className="flex w-56 shrink-0 flex-col gap-0.5 overflow-y-auto border-r border-line bg-side p-3 max-md:w-16 max-md:p-2">
      <h1 className="mb-3 flex h-8 shrink-0 items-center gap-2 text-[15px] font-semibold max-md:justify-center">
        <img src={mark} alt="" className="size-6" /><span className="max-md:sr-only">Longhaul</span>
      </h1>
      {(Object.keys(GROUPS) as Group[]).map((name) => (
        <Line key={name} id={name} name={t(name)} icon={ICONS[name]} count={totals?.[name] ?? null} on={filter.group === name}
          press={() => { narrow({ group: name }); }} />
      ))}
      <Part title={t("byKind")}>
        {KINDS.filter((kind) => kinds[kind] > 0 || filter.kind === kind).map((kind) => (
          <Line key={kind} id={kind} name={t(`kind_${kind}`)} icon={KIND_ICONS[kind]} count={kinds[kind]} on={filter.kind === kind}
            press={() => { narrow({ kind: filter.kind === kind ? null : kind }); }} />
        ))}
      </Part>
      <Part title={t("byTime")}>
        {DAYS.filter((day) => days[day] > 0 || filter.day === day).map((day) => (
          <Line key={day} id={day} name={t(`day_${day}`)} icon={DAY_ICONS[day]} count={days[day]} on={filter.day === day}
            press={() => { narrow({ day: filter.day === day ? null : day }); }} />
        ))}
      </Part>
      <p data-testid="server-state" data-state={server.state} role="status" title={way}
        className="mt-auto flex shrink-0 items-center gap-2 px-2 pt-3 text-dim max-md:justify-center">
        <ServerDot link={server} /><span className="truncate max-md:sr-only">{way}</span>
      </p>
      {servers.map(({ id, name, link }) => (
        <p key={id} data-testid="added-server" data-state={link.state} title={`${name}: ${shortOf(link)}`}
          className="flex shrink-0 items-center gap-2 px-2 pt-1 text-dim max-md:justify-center">
          <ServerDot link={link} /><span className="truncate max-md:sr-only">{name}</span>
          <span className="sr-only">{shortOf(link)}</span>
        </p>
      ))}
    </nav>
  );
}

function shortOf(link: ServerLink): string {
  return link.state === "offline" ? t("unreachable") : t(link.state);
}

function Part({ title, children }: { title: string; children: React.ReactNode[] }) {
  if (children.length === 0) return null;
  return (
    <section aria-label={title} className="mt-3 flex flex-col gap-0.5 max-md:hidden">
      <h2 className="px-2 text-[12px] text-dim">{title}</h2>
      {children}
    </section>
  );
}

interface LineProps {
  id: string;
  name: string;
  icon: LucideIcon;
  count: number | null;
  on: boolean;
  press: () => void;
}

function Line({ id, name, icon: Icon, count, on, press }: LineProps) {
  return (
    <button type="button" data-testid={`filter-${id}`} aria-pressed={on} onClick={press} className={LINE}
      {...tip(name, "right")}>
      <Icon aria-hidden size={16} className="shrink-0 text-dim" />
      <span className="min-w-0 flex-1 truncate text-left max-md:sr-only">{name}</span>
      <span className="text-dim tabular-nums max-md:text-[11px]">{count === null ? "" : whole(count)}</span>
    </button>
  );
}
