// Adding: one field that says what it understood, and the catalogue to pick from.
import { useMemo, useRef, useState } from "react";
import type { Backend } from "../backend/backend";
import type { AddItem } from "../backend/generated/AddItem";
import type { DownloadView } from "../backend/generated/DownloadView";
import type { FileEntry } from "../backend/generated/FileEntry";
import type { ServerView } from "../backend/generated/ServerView";
import { t } from "../i18n/t";
import { Button } from "../kit/button";
import { Dialog } from "../kit/dialog";
import { AddField } from "./add-field";
import { Catalogue } from "./catalogue";
import { keyOf, parseAdd } from "./parse";
import { ServerChoice } from "./server-choice";
import { Understood } from "./understood";

interface Props {
  backend: Backend;
  /** What was pasted or dropped. */
  given: string;
  /** What is in the list already, which is marked. */
  downloads: readonly DownloadView[];
  /** Those beside the first one. */
  servers: readonly ServerView[];
  add: (items: AddItem[], server: string | null) => void;
  close: () => void;
}

export function AddDialog({ backend, given, downloads, servers, add, close }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(given);
  const [picked, setPicked] = useState<ReadonlyMap<number, FileEntry>>(new Map());
  const found = parseAdd(text, !backend.absent.pull);
  const [server, setServer] = useState<string | null>(null);
  const known = useMemo(() => {
    // Which server a link was fetched by says nothing of what it is.
    const same = (row: DownloadView) => row.source.kind !== "file" || row.server === server;
    return new Set(downloads.filter(same).map((row) => keyOf(row.source)));
  }, [downloads, server]);
  const typed = new Set(found.items.map((item) => (item.kind === "file" ? item.fileId : null)));
  const items = [...found.items, ...[...picked.values()].filter((file) => !typed.has(file.fileId)).map(itemOf)];
  const start = (wanted: AddItem[]) => {
    if (wanted.length === 0) return;
    add(wanted, server);
    close();
  };
  const pick = (file: FileEntry, on: boolean) => {
    const next = new Map(picked);
    if (on) next.set(file.fileId, file);
    else next.delete(file.fileId);
    setPicked(next);
  };
  return (
    <Dialog title={t("addTitle")} close={close} focus={() => field.current}>
      <div className="flex shrink-0 flex-col gap-2 p-4 pb-2">
        <AddField text={text} setText={setText} start={() => { start(items); }} testId="add-field" field={field} />
        <Understood found={found} known={known} />
      </div>
      {servers.length > 0 && (
        <ServerChoice backend={backend} servers={servers} value={server} choose={(chosen) => {
          setServer(chosen);
          setPicked(new Map());
        }} />
      )}
      <Catalogue backend={backend} server={server} picked={picked} pick={pick} take={(file) => { start([itemOf(file)]); }} />
      <div className="flex shrink-0 items-center justify-end gap-2 border-t border-line p-3">
        <span className="flex-1 px-1 text-dim">{t("addKeys")}</span>
        <Button tone="primary" data-testid="add-confirm" disabled={items.length === 0} onClick={() => { start(items); }}>
          {items.length > 1 ? t("startMany", { count: items.length }) : t("start")}
        </Button>
      </div>
    </Dialog>
  );
}

function itemOf(file: FileEntry): AddItem {
  return { kind: "file", fileId: file.fileId, name: file.name };
}
