// The job servers: how each is, and adding, changing, removing them. A token goes to the keyring and is
// never shown again.
import { Pencil, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import type { Backend, Servers } from "../backend/backend";
import type { ServerLink } from "../backend/generated/ServerLink";
import { t } from "../i18n/t";
import { Button, IconButton } from "../kit/button";
import { messageOf } from "../kit/message-of";
import { Name } from "../kit/name";
import { Reason } from "../kit/reason";
import { ServerDot, wayOf } from "./server-dot";
import { useFirstName } from "./use-first-name";

interface Props {
  backend: Backend;
  servers: Servers;
}

/** What is being written; `id` is null for a new one. */
interface Draft {
  id: string | null;
  name: string;
  address: string;
  token: string;
  hasToken: boolean;
}

const NEW: Draft = { id: null, name: "", address: "", token: "", hasToken: false };

/** A token that leaves this computer unencrypted. */
function isReadable({ address, token, hasToken }: Draft): boolean {
  if (!token && !hasToken) return false;
  const { protocol, hostname } = URL.canParse(address) ? new URL(address) : { protocol: "", hostname: "" };
  return protocol === "http:" && !/^(localhost|127\..*|\[::1\])$/u.test(hostname);
}

export function ServerSettings({ backend, servers }: Props) {
  const list = backend.useList();
  const first = useFirstName(backend);
  const [draft, setDraft] = useState<Draft | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const run = (work: Promise<unknown>, then: () => void) => {
    setBusy(true);
    work.then(() => {
      setProblem("");
      then();
    }, (error: unknown) => {
      setProblem(messageOf(error));
    }).finally(() => { setBusy(false); });
  };
  const save = (event: FormEvent) => {
    event.preventDefault();
    if (!draft) return;
    const { id, name, address } = draft;
    // An empty field leaves the token that is there.
    const token = draft.token.trim() || null;
    run(servers.put({ id, name, address, token }), () => { setDraft(null); });
  };
  const change = (part: Partial<Draft>) => { if (draft) setDraft({ ...draft, ...part }); };
  return (
    <section aria-label={t("servers")}>
      <h3 className="mb-2 font-semibold">{t("servers")}</h3>
      <ul className="flex flex-col gap-1">
        <Line name={first} address="" link={list.server} />
        {list.servers.map((server) => (
          <Line key={server.id} name={server.name} address={server.address} link={server.link}>
            <IconButton name={t("srv_change", { name: server.name })} icon={Pencil} onClick={() => {
              const { id, name, address, hasToken } = server;
              setDraft({ id, name, address, hasToken, token: "" });
            }} />
            <IconButton name={t("srv_remove", { name: server.name })} icon={X} disabled={busy} onClick={() => {
              run(servers.remove(server.id), () => { if (draft?.id === server.id) setDraft(null); });
            }} />
          </Line>
        ))}
      </ul>
      {draft ? (
        <form className="mt-2 grid grid-cols-[14rem_1fr] items-center gap-x-4 gap-y-2" onSubmit={save}>
          <label htmlFor="srv-address">{t("srv_address")}</label>
          <input id="srv-address" data-testid="server-address" className="field" required value={draft.address}
            placeholder="https://" autoFocus onChange={(event) => { change({ address: event.target.value }); }} />
          <label htmlFor="srv-name">{t("srv_name")}</label>
          <input id="srv-name" data-testid="server-name" className="field" value={draft.name} maxLength={100}
            onChange={(event) => { change({ name: event.target.value }); }} />
          <label htmlFor="srv-token">{t("token")}</label>
          <input id="srv-token" data-testid="server-token" type="password" autoComplete="off" className="field"
            placeholder={draft.hasToken ? t("srv_keepToken") : ""} value={draft.token}
            onChange={(event) => { change({ token: event.target.value }); }} />
          {isReadable(draft) && <p className="col-start-2 text-dim">{t("srv_plain")}</p>}
          <span className="col-start-2 flex gap-2">
            <Button type="submit" tone="primary" data-testid="server-save" disabled={busy}>{t("srv_save")}</Button>
            <Button onClick={() => { setDraft(null); }}>{t("cancel")}</Button>
          </span>
        </form>
      ) : (
        <span className="mt-2 flex">
          <Button data-testid="server-add" onClick={() => { setDraft(NEW); }}>{t("srv_add")}</Button>
        </span>
      )}
      {problem && <p role="alert" className="mt-2 text-bad">{problem}</p>}
    </section>
  );
}

interface LineProps {
  name: string;
  address: string;
  link: ServerLink;
  children?: React.ReactNode;
}

function Line({ name, address, link, children }: LineProps) {
  return (
    <li data-testid="server-line" data-state={link.state} className="flex min-h-8 items-center gap-2">
      <ServerDot link={link} />
      <div className="flex min-w-0 flex-1 flex-col">
        <span className="flex min-w-0 items-center gap-2">
          <Name name={name} className="font-medium" />
          <Name name={address} className="text-dim" />
        </span>
        <div className="text-dim"><Reason told={wayOf(link)} /></div>
      </div>
      {children}
    </li>
  );
}
