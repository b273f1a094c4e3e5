// Where to look: groups with their counts, and how the way to the server is.
import { CircleCheck, Clock, Download, Layers, type LucideIcon, TriangleAlert } from "lucide-react";
import type { ServerLink } from "../backend/generated/ServerLink";
import type { Totals } from "../backend/generated/Totals";
import { t } from "../i18n/t";
import { Tip } from "../kit/tooltip";
import { type Group, GROUPS } from "./shown";

const DOTS = { online: "bg-good", connecting: "bg-dim", offline: "bg-bad" };
const ICONS: Record<Group, LucideIcon> = {
  all: Layers, active: Download, waiting: Clock, completed: CircleCheck, failed: TriangleAlert,
};
const LINE = `flex h-8 items-center gap-2 rounded-md px-2 hover:bg-line aria-pressed:bg-line
  aria-pressed:font-medium max-md:h-11 max-md:flex-col max-md:justify-center max-md:gap-0 max-md:px-0`;

interface Props {
  mark: string;
  group: Group;
  choose: (group: Group) => void;
  totals: Totals;
  server: ServerLink;
}

export function Sidebar({ mark, group, choose, totals, server }: Props) {
  const way = server.state === "offline" ? t("unreachable") : t(server.state);
  return (
    <nav className="flex w-52 shrink-0 flex-col gap-0.5 border-r border-line bg-side p-3 max-md:w-16 max-md:p-2">
      <h1 className="mb-3 flex h-8 items-center gap-2 text-[15px] font-semibold max-md:justify-center">
        <img src={mark} alt="" className="size-6" /><span className="max-md:sr-only">Longhaul</span>
      </h1>
      {(Object.keys(GROUPS) as Group[]).map((name) => {
        const Icon = ICONS[name];
        return (
          <Tip key={name} text={t(name)} side="right">
            <button type="button" aria-pressed={group === name} onClick={() => { choose(name); }} className={LINE}>
              <Icon aria-hidden size={16} className="shrink-0 text-dim" />
              <span className="flex-1 text-left max-md:sr-only">{t(name)}</span>
              <span className="text-dim tabular-nums max-md:text-[11px]">{totals[name].toLocaleString()}</span>
            </button>
          </Tip>
        );
      })}
      <p data-testid="server-state" data-state={server.state} role="status" title={way}
        className="mt-auto flex items-center gap-2 px-2 text-dim max-md:justify-center">
        <span aria-hidden className={`size-2 shrink-0 rounded-full ${DOTS[server.state]}`} />
        <span className="truncate max-md:sr-only">{way}</span>
      </p>
    </nav>
  );
}
