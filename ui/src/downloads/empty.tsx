// The empty list teaches: one sentence, and what the catalogue has newest.
import { useEffect, useState } from "react";
import type { Backend } from "../backend/backend";
import type { AddItem } from "../backend/generated/AddItem";
import type { FileEntry } from "../backend/generated/FileEntry";
import { t } from "../i18n/t";
import { bytes } from "../kit/format";
import { FileIcon } from "./file-icon";

const NEWEST = 5;

export function Empty({ backend, add }: { backend: Backend; add: (items: AddItem[]) => void }) {
  const [files, setFiles] = useState<FileEntry[]>([]);
  useEffect(() => {
    let current = true;
    // Where the catalogue cannot be had, the sidebar says so; the sentence alone stands here.
    backend.files(null, null).then((page) => { if (current) setFiles(page.files); }, () => undefined);
    return () => { current = false; };
  }, [backend]);
  const newest = files.toSorted((a, b) => (b.modifiedAt ?? "").localeCompare(a.modifiedAt ?? "")).slice(0, NEWEST);
  return (
    <div className="m-auto w-full max-w-md p-6">
      <p className="mb-6 text-center text-[15px] text-dim">{t("empty")}</p>
      {newest.length > 0 && <h2 className="mb-1 px-2 text-dim">{t("emptyHint")}</h2>}
      <ul>
        {newest.map((file) => (
          <li key={file.fileId}>
            <button type="button" onClick={() => { add([{ kind: "file", fileId: file.fileId, name: file.name }]); }}
              className="flex w-full items-center gap-3 rounded-md p-2 text-left hover:bg-side">
              <FileIcon name={file.name} /><span className="min-w-0 flex-1 truncate">{file.name}</span>
              <span className="text-dim tabular-nums">{file.size === null ? t("unknownSize") : bytes(file.size)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
