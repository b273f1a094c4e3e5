// What a row says of itself: one sentence, calm and exact.
import type { DownloadView } from "../backend/generated/DownloadView";
import { t } from "../i18n/t";
import { bytes } from "../kit/format";

export function sentence(row: DownloadView): string {
  if (row.fault) {
    const kept = row.fault.kept > 0 ? ` · ${t("kept", { kept: bytes(row.fault.kept) })}` : "";
    return row.fault.message + kept;
  }
  switch (row.state) {
    case "preparing": return preparing(row);
    case "downloading": return row.pulled?.trouble ?? downloading(row);
    case "completed": return row.path ? t("s_verified") : t("s_completed");
    case "paused": return row.pulled ? t("pausedAt", { done: bytes(row.pulled.done) }) : t("s_paused");
    default: return t(`s_${row.state}`);
  }
}

function preparing(row: DownloadView): string {
  if (row.made?.stage === "queued") {
    return row.made.queuePosition ? t("behind", { count: row.made.queuePosition }) : t("nextInLine");
  }
  return t("preparingAt", { percent: row.made?.percent ?? 0 });
}

function downloading(row: DownloadView): string {
  if (!row.pulled?.total) return t("s_downloading");
  const { done, total, connections } = row.pulled;
  return t(connections === 1 ? "downloadingOne" : "downloadingAt", { done: bytes(done), total: bytes(total), count: connections });
}
