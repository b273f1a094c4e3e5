// How the way to a server is: a dot beside its name, and in words.
import type { ServerLink } from "../backend/generated/ServerLink";
import { t } from "../i18n/t";
import { time } from "../kit/format";

const DOTS = { online: "bg-good", connecting: "bg-dim", offline: "bg-bad" };

export function ServerDot({ link }: { link: ServerLink }) {
  return <span aria-hidden className={`size-2 shrink-0 rounded-full ${DOTS[link.state]}`} />;
}

/** Why it is away, which may come without a full stop, and when it is tried again. */
export function wayOf(link: ServerLink): string {
  if (link.state !== "offline") return t(link.state);
  const sentence = /[.!?]$/u.test(link.reason) ? link.reason : `${link.reason}.`;
  return t("offline", { reason: sentence, time: time(link.nextTryAt) });
}
