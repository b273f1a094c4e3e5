// Adding: one field that says what it understood, and the catalogue to pick from.
import { useEffect, useState } from "react";
import type { Backend } from "../backend/backend";
import type { AddItem } from "../backend/generated/AddItem";
import type { FileEntry } from "../backend/generated/FileEntry";
import { t } from "../i18n/t";
import { bytes } from "../kit/format";
import { parseAdd } from "./parse";

export function AddPanel({ backend, add }: { backend: Backend; add: (items: AddItem[]) => void }) {
  const [text, setText] = useState("");
  const [query, setQuery] = useState("");
  const [files, setFiles] = useState<FileEntry[]>([]);
  const [problem, setProblem] = useState("");
  const found = parseAdd(text);
  useEffect(() => {
    let current = true;
    const wait = setTimeout(() => {
      backend.files(query || null, null).then(
        (page) => { if (current) { setFiles(page.files); setProblem(""); } },
        (error: unknown) => { if (current) setProblem(error instanceof Error ? error.message : String(error)); });
    }, 150);
    return () => { current = false; clearTimeout(wait); };
  }, [backend, query]);
  return (
    <section aria-label={t("add")} className="border-b border-line bg-side p-4">
      <textarea data-testid="add-field" aria-label={t("addFiles")} placeholder={t("addHint")} rows={2} value={text}
        onChange={(event) => { setText(event.target.value); }} className="w-full rounded border border-line bg-page p-2" />
      <div className="my-2 flex items-center gap-3">
        <span className="flex-1 text-dim" role="status">{text && t("understood", { items: found.items.length, repeated: found.repeated, unclear: found.unclear.length })}</span>
        <button type="button" data-testid="add-confirm" disabled={found.items.length === 0}
          onClick={() => { add(found.items); setText(""); }} className="rounded bg-accent px-3 py-1 text-page disabled:opacity-50">{t("start")}</button>
      </div>
      <input data-testid="catalogue-search" type="search" aria-label={t("catalogue")} placeholder={t("catalogue")} value={query}
        onChange={(event) => { setQuery(event.target.value); }} className="w-full rounded border border-line bg-page p-2" />
      {problem && <p role="alert" className="text-bad">{problem}</p>}
      <ul className="max-h-48 overflow-auto">
        {files.map((file) => (
          <li key={file.fileId}>
            <button type="button" data-testid="catalogue-item" data-file-id={file.fileId} className="flex w-full gap-3 p-2 text-left hover:bg-page"
              onClick={() => { add([{ kind: "file", fileId: file.fileId, name: file.name }]); }}>
              <span className="flex-1 truncate">{file.name}</span>
              <span className="text-dim tabular-nums">{file.size === null ? t("unknownSize") : bytes(file.size)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
