// The catalogue to pick from: a click takes one file at once, its box gathers several.
import { Search } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import type { Backend } from "../backend/backend";
import type { FileEntry } from "../backend/generated/FileEntry";
import { FileIcon } from "../downloads/kinds";
import { t } from "../i18n/t";
import { Button } from "../kit/button";
import { bytes } from "../kit/format";
import { Name } from "../kit/name";
import { Pick } from "../kit/toggles";
import { useCatalogue } from "./use-catalogue";

interface Props {
  backend: Backend;
  /** Whose; null is the first server. */
  server: string | null;
  picked: ReadonlyMap<number, FileEntry>;
  pick: (file: FileEntry, on: boolean) => void;
  take: (file: FileEntry) => void;
}

export function Catalogue({ backend, server, picked, pick, take }: Props) {
  const [query, setQuery] = useState("");
  const found = useCatalogue(backend, server, query);
  return (
    <div className="flex min-h-0 flex-1 flex-col" onKeyDown={walk}>
      <label className="field field-row mx-4 shrink-0">
        <Search aria-hidden size={14} className="text-dim" />
        <input data-testid="catalogue-search" type="search" aria-label={t("catalogue")} placeholder={t("catalogue")}
          value={query} onChange={(event) => { setQuery(event.target.value); }} />
      </label>
      {found.problem && <p role="alert" className="px-4 py-2 text-bad">{found.problem}</p>}
      <ul aria-label={t("catalogueList")} className="mt-2 h-[34vh] overflow-auto px-2">
        {found.files.map((file) => (
          <li key={file.fileId} className="flex items-center gap-2 rounded-md pl-2 hover:bg-side">
            <Pick label={t("pickFile", { name: file.name })} on={picked.has(file.fileId)}
              set={(on) => { pick(file, on); }} />
            <button type="button" data-testid="catalogue-item" data-file-id={file.fileId}
              onClick={() => { take(file); }}
              className="flex h-8 min-w-0 flex-1 items-center gap-2 rounded-md px-2 text-left">
              <FileIcon name={file.name} />
              <Name name={file.name} className="flex-1" />
              <span className="shrink-0 text-dim tabular-nums">
                {file.size === null ? t("unknownSize") : bytes(file.size)}
              </span>
            </button>
          </li>
        ))}
        {found.files.length === 0 && found.query !== null && !found.problem && (
          <li className="p-2 text-dim">{t("catalogueNone", { query: found.query })}</li>
        )}
        {found.next !== null && <li className="p-2"><Button onClick={found.more}>{t("catalogueMore")}</Button></li>}
      </ul>
    </div>
  );
}

const STOPS = "input[type=search], [data-testid=catalogue-item]";

/** The arrows go from the search to the files and between them. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>(STOPS)];
  const at = stops.findIndex((stop) => stop.parentElement?.contains(document.activeElement));
  const next = stops[Math.max(0, Math.min(stops.length - 1, at + step))];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
