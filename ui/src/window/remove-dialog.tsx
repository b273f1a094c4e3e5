// Asks before a removal that cannot be undone, and says what is lost.
import type { DownloadView } from "../backend/generated/DownloadView";
import { lossOf } from "../downloads/actions";
import { focusRow } from "../downloads/list";
import { t } from "../i18n/t";
import { Confirm } from "../kit/dialog";
import { bytes } from "../kit/format";

export interface Removal {
  rows: readonly DownloadView[];
  withFile: boolean;
}

/** Whether it must be asked for, where nothing can be undone. */
export function loses({ rows, withFile }: Removal): boolean {
  const loss = lossOf(rows);
  return withFile || loss.bytes > 0 || loss.work;
}

interface Props {
  removal: Removal;
  remove: () => void;
  close: () => void;
}

export function RemoveDialog({ removal: { rows, withFile }, remove, close }: Props) {
  const loss = lossOf(rows);
  const lost = [
    ...(loss.bytes > 0 ? [t("removeLoses", { kept: bytes(loss.bytes) })] : []),
    ...(loss.work ? [t("removeCancels")] : []),
  ];
  const [first] = rows;
  const text = withFile ? t("deleteLoses", { folder: first?.folder ?? "" }) : lost.join(" ");
  const what = rows.length === 1 ? { name: first?.name ?? "" } : { name: t("nDownloads", { count: rows.length }) };
  return (
    <Confirm title={t(withFile ? "deleteAsk" : "removeAsk", what)}
      verb={t(withFile ? "delete" : "removeShort")} text={text}
      confirm={remove} close={close} refocus={() => { focusRow(first?.id ?? null); }} />
  );
}
