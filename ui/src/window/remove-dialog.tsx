// Asks before a removal that loses something, and says what.
import type { DownloadView } from "../backend/generated/DownloadView";
import { lossOf } from "../downloads/actions";
import { focusRow } from "../downloads/list";
import { t } from "../i18n/t";
import { Confirm } from "../kit/dialog";
import { bytes } from "../kit/format";

export interface Removal {
  row: DownloadView;
  withFile: boolean;
}

/** Whether it must be asked for. */
export function loses({ row, withFile }: Removal): boolean {
  const loss = lossOf(row);
  return withFile || loss.bytes > 0 || loss.work;
}

interface Props {
  removal: Removal;
  remove: () => void;
  close: () => void;
}

export function RemoveDialog({ removal: { row, withFile }, remove, close }: Props) {
  const loss = lossOf(row);
  const lost = [
    ...(loss.bytes > 0 ? [t("removeLoses", { kept: bytes(loss.bytes) })] : []),
    ...(loss.work ? [t("removeCancels")] : []),
  ];
  const text = withFile ? t("deleteLoses", { folder: row.folder }) : lost.join(" ");
  return (
    <Confirm title={t(withFile ? "deleteAsk" : "removeAsk", { name: row.name })}
      verb={t(withFile ? "delete" : "removeShort")} text={text}
      confirm={remove} close={close} refocus={() => { focusRow(row.id); }} />
  );
}
