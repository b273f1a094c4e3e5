// Whose files: asked only where there are several servers.
import type { Backend } from "../backend/backend";
import type { ServerView } from "../backend/generated/ServerView";
import { t } from "../i18n/t";
import { useFirstName } from "../settings/use-first-name";

interface Props {
  backend: Backend;
  servers: readonly ServerView[];
  /** Null is the first one. */
  value: string | null;
  choose: (server: string | null) => void;
}

export function ServerChoice({ backend, servers, value, choose }: Props) {
  const first = useFirstName(backend);
  return (
    <label className="flex shrink-0 items-center gap-2 px-4 pb-2">
      <span className="text-dim">{t("srv_from")}</span>
      <select data-testid="server-choice" value={value ?? ""} className="field min-w-0 flex-1"
        onChange={(event) => { choose(event.target.value || null); }}>
        <option value="">{first}</option>
        {servers.map(({ id, name, link }) => (
          <option key={id} value={id}>{link.state === "offline" ? `${name} · ${t("unreachable")}` : name}</option>
        ))}
      </select>
    </label>
  );
}
