// What a row says of itself: one sentence, calm and exact.
import type { DownloadView } from "../backend/generated/DownloadView";
import { faultOf } from "../i18n/faults";
import { t } from "../i18n/t";
import { bytes } from "../kit/format";

/** `pulls` says whether the bytes come through this app, rather than through a browser. */
export function sentence(row: DownloadView, pulls: boolean): string {
  if (row.fault) {
    const kept = row.fault.kept > 0 ? ` · ${t("kept", { kept: bytes(row.fault.kept) })}` : "";
    return faultOf(row.fault) + kept;
  }
  switch (row.state) {
    case "queued": return row.made ? preparing(row) : t(row.jobId || pulls ? "s_queued" : "s_asking");
    case "preparing": return preparing(row);
    case "downloading": return row.pulled?.trouble ?? downloading(row);
    case "completed": return t(!pulls ? "s_saved" : row.path ? (row.proven ? "s_verified" : "s_whole") : "s_completed");
    case "paused": return paused(row);
    default: return t(`s_${row.state}`);
  }
}

function preparing({ made }: DownloadView): string {
  if (!made) return t("s_preparing");
  if (made.stage === "queued") return made.queuePosition ? t("behind", { count: made.queuePosition }) : t("nextInLine");
  const now = t(made.stage === "uploading" ? "storingAt" : "preparingAt", { percent: made.percent });
  return made.attempt > 1 ? `${now} · ${t("attempt", { attempt: made.attempt, most: made.maxAttempts })}` : now;
}

function downloading(row: DownloadView): string {
  if (!row.pulled?.total) return row.pulled?.done ? t("downloadingSome", { done: bytes(row.pulled.done) }) : t("s_downloading");
  const { done, total, connections } = row.pulled;
  const values = { done: bytes(done), total: bytes(total), count: connections };
  return t(connections === 1 ? "downloadingOne" : "downloadingAt", values);
}

function paused({ pulled }: DownloadView): string {
  if (!pulled?.done) return t("s_paused");
  const done = bytes(pulled.done);
  return pulled.total ? t("pausedAt", { done, total: bytes(pulled.total) }) : t("pausedSome", { done });
}
