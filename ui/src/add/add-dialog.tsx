// Adding: one field that says what it understood, and the catalogue to pick from.
import { useEffect, useMemo, useRef, useState } from "react";
import type { Backend } from "../backend/backend";
import type { AddItem } from "../backend/generated/AddItem";
import type { DownloadView } from "../backend/generated/DownloadView";
import type { FileEntry } from "../backend/generated/FileEntry";
import type { ServerView } from "../backend/generated/ServerView";
import { t } from "../i18n/t";
import { Button } from "../kit/button";
import { Dialog } from "../kit/dialog";
import { messageOf } from "../kit/message-of";
import { AddField } from "./add-field";
import { Catalogue } from "./catalogue";
import { keyOf, MOST_ITEMS, parseAdd } from "./parse";
import { ServerChoice } from "./server-choice";
import { Understood } from "./understood";
import type { Taken } from "./use-given";

/** What was pasted or dropped, or what another program gave. */
export interface Given extends Taken {
  foreign: boolean;
}

interface Props {
  backend: Backend;
  /** Grows while the dialog is open: what comes is put behind what stands there. */
  given: readonly Given[];
  /** What is in the list already, which is marked. */
  downloads: readonly DownloadView[];
  /** Those beside the first one. */
  servers: readonly ServerView[];
  close: () => void;
  /** What was given up to there is added; what came later is not. */
  added: (upTo: number) => void;
  /** Tells in the window why an addition failed whose dialog is closed. */
  tell: (problem: string) => void;
}

const joined = (given: readonly Given[]) => given.map(({ text }) => text).filter(Boolean).join("\n");

/** What comes goes on a line of its own, also where somebody is about to type the first. */
export function appended(text: string, given: readonly Given[]): string {
  const more = joined(given);
  if (!more) return text;
  return text || given.some((one) => one.foreign) ? `${text}\n${more}` : more;
}

export function AddDialog({ backend, given, downloads, servers, close, added, tell }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const confirm = useRef<HTMLButtonElement>(null);
  const [text, setText] = useState(() => joined(given));
  const [taken, setTaken] = useState(given.length);
  if (given.length > taken) {
    setTaken(given.length);
    setText(appended(text, given.slice(taken)));
  }
  const isForeign = given.some((one) => one.foreign);
  useEffect(() => {
    // An Enter that was meant for what stood there adds nothing that came a moment ago.
    if (given.at(-1)?.foreign && document.activeElement === confirm.current) field.current?.focus();
  }, [given]);
  const isOpen = useRef(true);
  useEffect(() => {
    isOpen.current = true;
    return () => { isOpen.current = false; };
  }, []);
  const [picked, setPicked] = useState<ReadonlyMap<number, FileEntry>>(new Map());
  const [server, setServer] = useState<string | null>(null);
  const [leftOut, setLeftOut] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const pulls = !backend.absent.pull;
  const found = useMemo(() => parseAdd(text, pulls), [text, pulls]);
  const listed = useMemo(() => {
    // Which server a link was fetched by says nothing of what it is.
    const same = (row: DownloadView) => row.source.kind !== "file" || row.server === server;
    return new Set(downloads.filter(same).map((row) => keyOf(row.source)));
  }, [downloads, server]);
  const fresh = useMemo(() => found.items.filter((item) => !listed.has(keyOf(item))), [found, listed]);
  const typed = new Set(found.items.map((item) => (item.kind === "file" ? item.fileId : null)));
  const items = [
    ...(leftOut ? fresh : found.items), ...[...picked.values()].filter((file) => !typed.has(file.fileId)).map(itemOf),
  ];
  const startable = items.length > 0 && items.length <= MOST_ITEMS && !busy;
  const start = (wanted: AddItem[]) => {
    setBusy(true);
    setProblem("");
    backend.add({ items: wanted, ...(server ? { server } : {}) }).then(() => {
      if (isOpen.current) added(given.length);
    }, (error: unknown) => {
      if (!isOpen.current) tell(messageOf(error));
      setBusy(false);
      setProblem(messageOf(error));
    });
  };
  const pick = (file: FileEntry, on: boolean) => {
    const next = new Map(picked);
    if (on) next.set(file.fileId, file);
    else next.delete(file.fileId);
    setPicked(next);
  };
  const wrong = [given.at(-1)?.refused, problem].filter(Boolean).join(" ");
  return (
    // What another program gave is not under the fingers of somebody who was typing elsewhere.
    <Dialog title={t("addTitle")} close={close} focus={() => (isForeign ? null : field.current)}>
      <div className="flex shrink-0 flex-col gap-2 p-4 pb-2">
        {isForeign && <p role="status" className="text-dim">{t("givenByOther")}</p>}
        <AddField text={text} setText={setText} testId="add-field" field={field} busy={busy} start={() => {
          if (!startable) return;
          if (isForeign) confirm.current?.focus();
          else start(items);
        }} />
        <Understood found={found} count={items.length} known={{
          has: (item) => listed.has(keyOf(item)), count: found.items.length - fresh.length, leftOut, leaveOut: setLeftOut,
        }} />
      </div>
      {servers.length > 0 && (
        <ServerChoice backend={backend} servers={servers} value={server} choose={(chosen) => {
          setServer(chosen);
          setPicked(new Map());
        }} />
      )}
      <Catalogue backend={backend} server={server} picked={picked} pick={pick} take={(file) => { if (!busy) start([itemOf(file)]); }} />
      {wrong && <p role="alert" data-testid="add-problem" className="shrink-0 px-4 py-2 wrap-anywhere text-bad select-text">{wrong}</p>}
      <div className="flex shrink-0 items-center justify-end gap-2 border-t border-line p-3">
        <span className="flex-1 px-1 text-dim">{t("addKeys")}</span>
        <Button ref={confirm} tone="primary" data-testid="add-confirm" aria-busy={busy} disabled={!startable}
          // A key that is held down is no yes.
          onKeyDown={(event) => { if (event.repeat) event.preventDefault(); }}
          onClick={() => { start(items); }}>
          {items.length > 1 ? t("startMany", { count: items.length }) : t("start")}
        </Button>
      </div>
    </Dialog>
  );
}

function itemOf(file: FileEntry): AddItem {
  return { kind: "file", fileId: file.fileId, name: file.name };
}
