// The empty list teaches: one sentence, one field, and what the catalogue has newest.
import { useEffect, useState } from "react";
import { AddField } from "../add/add-field";
import { MOST_ITEMS, parseAdd } from "../add/parse";
import { Understood } from "../add/understood";
import type { Backend } from "../backend/backend";
import type { AddItem } from "../backend/generated/AddItem";
import type { FileEntry } from "../backend/generated/FileEntry";
import { t } from "../i18n/t";
import { Button } from "../kit/button";
import { bytes } from "../kit/format";
import { Name } from "../kit/name";
import { FileIcon } from "./kinds";

const NEWEST = 5;

/** With `online`, the catalogue is asked for again when the server is back. */
export function Empty({ backend, online, add }: { backend: Backend; online: boolean; add: (items: AddItem[]) => void }) {
  const [text, setText] = useState("");
  const [files, setFiles] = useState<FileEntry[]>([]);
  useEffect(() => {
    let current = true;
    // Where the catalogue cannot be had, the sidebar says so; the field alone stands here.
    backend.files(null, null, null).then((page) => { if (current) setFiles(page.files); }, () => undefined);
    return () => { current = false; };
  }, [backend, online]);
  const found = parseAdd(text, !backend.absent.pull);
  const startable = found.items.length > 0 && found.items.length <= MOST_ITEMS;
  const start = () => { if (startable) add(found.items); };
  const newest = files.toSorted((a, b) => (b.modifiedAt ?? "").localeCompare(a.modifiedAt ?? "")).slice(0, NEWEST);
  return (
    <div className="min-h-0 flex-1 overflow-auto">
      <div className="mx-auto mt-[12vh] flex w-full max-w-2xl flex-col gap-2 p-6">
        <p className="mb-2 text-center text-[15px] text-balance text-dim">{t("empty")}</p>
        <div className="flex items-stretch gap-2">
          <AddField text={text} setText={setText} start={start} testId="empty-field" />
          <Button tone="primary" disabled={!startable} onClick={start} className="h-auto!">
            {t("start")}
          </Button>
        </div>
        <Understood found={found} />
        {newest.length > 0 && <h2 className="mt-3 px-2 text-dim">{t("emptyHint")}</h2>}
        <ul>
          {newest.map((file) => (
            <li key={file.fileId}>
              <button type="button" onClick={() => { add([{ kind: "file", fileId: file.fileId, name: file.name }]); }}
                className="flex w-full items-center gap-3 rounded-md p-2 text-left hover:bg-side">
                <FileIcon name={file.name} />
                <Name name={file.name} className="flex-1" />
                <span className="text-dim tabular-nums">{file.size === null ? t("unknownSize") : bytes(file.size)}</span>
              </button>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
