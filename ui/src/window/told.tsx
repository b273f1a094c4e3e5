// What the window must tell above the list: a server that is away, notices, a refusal.
import type { ReactNode } from "react";
import type { Backend } from "../backend/backend";
import type { Snapshot } from "../backend/generated/Snapshot";
import { toldOf } from "../i18n/refusals";
import { t } from "../i18n/t";
import { Button } from "../kit/button";
import { soon as when, speed as perSecond } from "../kit/format";
import { Reason } from "../kit/reason";
import { SignIn } from "../kit/sign-in";
import { wayOf } from "../settings/server-dot";

interface Props {
  backend: Backend;
  list: Snapshot;
  problem: string;
  dismissProblem: () => void;
}

export function Told({ backend, list: { server, servers, notices, totals }, problem, dismissProblem }: Props) {
  const asksToken = backend.signIn && notices.some((notice) => notice.code === "token_needed");
  const retry = <Button onClick={backend.tryNow}>{t("tryNow")}</Button>;
  const away = servers.filter(({ link }) => link.state === "offline");
  return (
    <>
      {server.state === "offline" && !asksToken && (
        <Strip role="status" testId="offline" button={retry}>
          <Reason told={wayOf(server)} />
          <p className="text-dim">{t("offlineKept")}</p>
        </Strip>
      )}
      {away.length > 0 && (
        <Strip role="status" testId="servers-offline" button={retry}>
          {away.map(({ id, name, link }) => {
            const { text, detail } = wayOf(link);
            return <Reason key={id} told={{ text: `${name}: ${text}`, detail }} />;
          })}
          <p className="text-dim">{t("offlineKept")}</p>
        </Strip>
      )}
      {totals.rests && (
        <Strip role="status" testId="rests" button={null}>
          <p>{totals.until ? t("restsUntil", { time: when(totals.until) }) : t("rests")}</p>
        </Strip>
      )}
      {!totals.rests && totals.slowed !== null && (
        <Strip role="status" testId="slowed" button={null}>
          <p>{slowed(totals.slowed, totals.until)}</p>
        </Strip>
      )}
      {notices.length > 0 && (
        <Strip role="alert" button={asksToken
          ? <SignIn signIn={(token) => { backend.signIn?.(token); }} />
          : <Button onClick={() => { backend.dismissNotices(); }}>{t("dismiss")}</Button>}>
          {notices.map((notice) => <Reason key={notice.code + notice.message} told={toldOf(notice)} />)}
        </Strip>
      )}
      {problem && (
        <Strip role="alert" button={<Button onClick={dismissProblem}>{t("dismiss")}</Button>}>
          <p className="text-bad">{problem}</p>
        </Strip>
      )}
    </>
  );
}

function slowed(most: number, until: string | null): string {
  const speed = perSecond(most);
  return until ? t("slowedUntil", { speed, time: when(until) }) : t("slowed", { speed });
}

interface StripProps {
  role: "status" | "alert";
  testId?: string;
  button: ReactNode;
  children: ReactNode;
}

function Strip({ role, testId, button, children }: StripProps) {
  return (
    <div role={role} data-testid={testId} className="flex items-center gap-3 border-b border-line bg-side px-4 py-2">
      <div className="min-w-0 flex-1 space-y-1 wrap-anywhere select-text">{children}</div>
      {button}
    </div>
  );
}
