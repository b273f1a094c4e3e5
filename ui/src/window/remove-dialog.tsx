// Asks before something is lost for good, and says what.
import { useRef } from "react";
import type { DownloadView } from "../backend/generated/DownloadView";
import { lossOf } from "../downloads/actions";
import { t } from "../i18n/t";
import { Confirm } from "../kit/dialog";
import { bytes } from "../kit/format";

export interface Removal {
  rows: readonly DownloadView[];
  verb: "remove" | "removeWithFile" | "cancel";
  /** The row that had the focus when it was asked for. */
  from: string | null;
}

/** Whether it must be asked for; `undone` says whether a removal can be taken back. */
export function loses({ rows, verb }: Pick<Removal, "rows" | "verb">, undone: boolean): boolean {
  const loss = lossOf(rows);
  switch (verb) {
    case "removeWithFile": return true;
    // Made anew it is by a click; pulled again it is only for its price.
    case "cancel": return loss.bytes > 0;
    case "remove": return !undone && (loss.bytes > 0 || loss.work);
  }
}

const ASKS = { remove: "removeAsk", removeWithFile: "deleteAsk", cancel: "cancelAsk" } as const;
const VERBS = { remove: "removeShort", removeWithFile: "delete", cancel: "cancelYes" } as const;

interface Props {
  removal: Removal;
  remove: () => void;
  close: () => void;
  /** Takes the focus after it, where the rows stay. */
  refocus: () => void;
}

export function RemoveDialog({ removal: { rows, verb }, remove, close, refocus }: Props) {
  const going = useRef(false);
  const loss = lossOf(rows);
  const lost = [
    ...(loss.bytes > 0 ? [t("removeLoses", { kept: bytes(loss.bytes) })] : []),
    ...(loss.work ? [t("removeCancels")] : []),
  ];
  const [first] = rows;
  const text = verb === "removeWithFile" ? t("deleteLoses", { folder: first?.folder ?? "" }) : lost.join(" ");
  const what = rows.length === 1 ? { name: first?.name ?? "" } : { name: t("nDownloads", { count: rows.length }) };
  return (
    <Confirm title={t(ASKS[verb], what)} verb={t(VERBS[verb])} text={text} close={close}
      confirm={() => {
        going.current = verb !== "cancel";
        remove();
      }}
      refocus={() => { if (!going.current) refocus(); }} />
  );
}
