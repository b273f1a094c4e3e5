// Where to look: groups with their counts, and how the way to the server is.
import type { DownloadState } from "../backend/generated/DownloadState";
import type { ServerLink } from "../backend/generated/ServerLink";
import type { Totals } from "../backend/generated/Totals";
import { t } from "../i18n/t";

export const GROUPS = {
  all: null, active: ["preparing", "downloading", "verifying"], waiting: ["queued", "paused"],
  completed: ["completed"], failed: ["failed", "cancelled"],
} as const satisfies Record<string, readonly DownloadState[] | null>;
export type Group = keyof typeof GROUPS;

const DOTS = { online: "bg-good", connecting: "bg-dim", offline: "bg-bad" };

interface Props { mark: string; group: Group; choose: (group: Group) => void; totals: Totals; server: ServerLink }

export function Sidebar({ mark, group, choose, totals, server }: Props) {
  return (
    <nav className="flex w-44 shrink-0 flex-col gap-0.5 border-r border-line bg-side p-3 max-sm:w-32">
      <h1 className="mb-3 flex items-center gap-2 text-[15px] font-semibold"><img src={mark} alt="" className="size-6" />Longhaul</h1>
      {(Object.keys(GROUPS) as Group[]).map((name) => (
        <button key={name} type="button" aria-pressed={group === name} onClick={() => { choose(name); }}
          className="flex justify-between rounded-md px-2 py-1.5 hover:bg-line aria-pressed:bg-line aria-pressed:font-medium">
          <span>{t(name)}</span><span className="text-dim tabular-nums">{totals[name]}</span>
        </button>
      ))}
      <p data-testid="server-state" data-state={server.state} role="status" className="mt-auto flex items-center gap-2 px-2 text-dim">
        <span aria-hidden className={`size-2 shrink-0 rounded-full ${DOTS[server.state]}`} />{server.state === "offline" ? t("unreachable") : t(server.state)}
      </p>
    </nav>
  );
}
