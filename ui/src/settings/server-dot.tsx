// How the way to a server is: a dot beside its name, and in words.
import type { ServerLink } from "../backend/generated/ServerLink";
import { type Told, toldOf } from "../i18n/refusals";
import { t } from "../i18n/t";
import { time } from "../kit/format";

const DOTS = { online: "bg-good", connecting: "bg-dim", offline: "bg-bad" };

export function ServerDot({ link }: { link: ServerLink }) {
  return <span aria-hidden className={`size-2 shrink-0 rounded-full ${DOTS[link.state]}`} />;
}

/** How it is; where it is away, why, and when it is tried again. */
export function wayOf(link: ServerLink): Told {
  if (link.state !== "offline") return { text: t(link.state), detail: "" };
  const { text, detail } = toldOf({ code: link.code, message: link.reason });
  return { text: t("offline", { reason: text, time: time(link.nextTryAt) }), detail };
}
