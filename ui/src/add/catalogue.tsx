// The catalogue to pick from: a click takes one file at once, its box gathers several.
import { Search } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useState } from "react";
import type { Backend } from "../backend/backend";
import type { FileEntry } from "../backend/generated/FileEntry";
import { FileIcon } from "../downloads/kinds";
import { t } from "../i18n/t";
import { Away, Failed, Skeleton } from "../kit/awaited";
import { Button } from "../kit/button";
import { bytes } from "../kit/format";
import { messageOf } from "../kit/message-of";
import { Name } from "../kit/name";
import { Pick as Box } from "../kit/toggles";
import { type Catalogue as Found, type Stage, useCatalogue } from "./use-catalogue";

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
  const instead: Record<Exclude<Stage, "files">, () => ReactNode> = {
    loading: () => <Skeleton name={t("catalogueLoading")} lines={6} height={32} className="px-2" />,
    none: () => (
      <p role="status" className="p-2 text-dim">
        {found.query ? t("catalogueNone", { query: found.query }) : t("catalogueEmpty")}
      </p>
    ),
    away: () => <Away text={t("catalogueAway")} retry={found.retry} />,
    failed: () => <Failed lead={t("catalogueFailed")} error={found.error} retry={found.retry} />,
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col" onKeyDown={walk}>
      <label className="field field-row mx-4 shrink-0">
        <Search aria-hidden size={14} className="text-dim" />
        <input data-testid="catalogue-search" type="search" aria-label={t("catalogue")} placeholder={t("catalogue")}
          value={query} onChange={(event) => { setQuery(event.target.value); }} />
      </label>
      <div className="mt-2 h-[34vh] overflow-auto px-2">
        {found.stage === "files"
          ? <Files found={found} picked={picked} pick={pick} take={take} />
          : instead[found.stage]()}
      </div>
    </div>
  );
}

type FilesProps = Pick<Props, "picked" | "pick" | "take"> & { found: Found };

function Files({ found, picked, pick, take }: FilesProps) {
  return (
    <ul aria-label={t("catalogueList")}>
      {found.files.map((file) => (
        <li key={file.fileId} className="flex items-center gap-2 rounded-md pl-2 hover:bg-side">
          <Box label={t("pickFile", { name: file.name })} on={picked.has(file.fileId)}
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
      {found.next !== null && (
        <li className="flex items-center gap-3 p-2">
          <Button onClick={found.more}>{t("catalogueMore")}</Button>
          {found.error !== null && <span role="alert" className="text-bad">{messageOf(found.error)}</span>}
        </li>
      )}
    </ul>
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
