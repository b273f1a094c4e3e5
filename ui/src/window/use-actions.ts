// Carries out what is asked of rows. A refusal is told; a removal can be undone; what would be lost for
// good is asked for first.
import { useCallback, useState } from "react";
import type { Backend } from "../backend/backend";
import type { Action } from "../backend/generated/Action";
import type { AddItem } from "../backend/generated/AddItem";
import type { DownloadView } from "../backend/generated/DownloadView";
import type { QueuePlace } from "../backend/generated/QueuePlace";
import type { Act } from "../downloads/actions";
import { focusedRow } from "../downloads/focus";
import { t } from "../i18n/t";
import { detailsOf } from "../details/as-text";
import { messageOf } from "../kit/message-of";
import { loses, type Removal } from "./remove-dialog";
import { type Said, without } from "./toast";

const idsOf = (rows: readonly DownloadView[]) => rows.map((row) => row.id);
const NOTHING: readonly Said[] = [];

/** `leaving` is told of rows that go off the list, before they do, and of the row that had the focus. */
export function useActions(backend: Backend, leaving: (rows: readonly DownloadView[], from: string | null) => void) {
  const [problem, setProblem] = useState("");
  const [removal, setRemoval] = useState<Removal | null>(null);
  const [limiting, setLimiting] = useState<readonly DownloadView[]>([]);
  // The last stands on top; what was removed before it can be taken back after it.
  const [said, setSaid] = useState(NOTHING);
  const say = useCallback((text: string, undo: (() => void) | null = null) => {
    const one = { text, undo, since: Date.now() };
    setSaid((before) => [...before.filter((other) => other.undo), one]);
  }, []);
  const run = useCallback((work: Promise<unknown>, then?: () => void) => work.then(() => {
    setProblem("");
    then?.();
    return true;
  }, (error: unknown) => {
    setProblem(messageOf(error));
    return false;
  }), []);
  const restore = useCallback(async (ids: string[]) => {
    const count = await backend.restore(ids);
    if (count < ids.length) setProblem(t(count === 0 ? "restoredNone" : "restoredSome", { count, of: ids.length }));
  }, [backend]);
  const removeNow = useCallback(({ rows, verb, from }: Removal) => {
    const ids = idsOf(rows);
    if (verb === "cancel") {
      void run(backend.act("cancel", ids));
      return;
    }
    leaving(rows, from);
    const withFile = verb === "removeWithFile";
    const name = rows.length === 1 ? (rows[0]?.name ?? "") : t("nDownloads", { count: rows.length });
    void run(backend.remove(ids, withFile)).then((done) => {
      if (withFile) {
        if (done) say(t("inTrash", { name }));
      // Of several that were to go, some may have gone.
      } else if (!backend.absent.undo && (done || ids.length > 1)) {
        say(t("removed", { name }), () => { restore(ids).catch((error: unknown) => { setProblem(messageOf(error)); }); });
      }
    });
  }, [backend, leaving, restore, run, say]);
  const move = useCallback((ids: string[], place: QueuePlace) => { void run(backend.place(ids, place)); }, [backend, run]);
  const act: Act = useCallback((verb, rows) => {
    switch (verb) {
      case "remove": case "removeWithFile": case "cancel": {
        const wanted = { rows, verb, from: focusedRow() };
        if (loses(wanted, !backend.absent.undo)) setRemoval(wanted);
        else removeNow(wanted);
        break;
      }
      case "limitSpeed": setLimiting(rows); break;
      case "moveFirst": move(idsOf(rows), { at: "first" }); break;
      case "moveLast": move(idsOf(rows), { at: "last" }); break;
      case "copyDetails":
        void run(navigator.clipboard.writeText(rows.map(detailsOf).join("\n\n")), () => { say(t("copied")); });
        break;
      default: void run(backend.act(verb, idsOf(rows)));
    }
  }, [backend, run, removeNow, move, say]);
  const undone = said.at(-1);
  return {
    act, move,
    actOnAll: (action: Exclude<Action, "remove">, ids: string[]) => { void run(backend.act(action, ids)); },
    add: (items: AddItem[], server: string | null = null) => { void run(backend.add({ items, ...(server ? { server } : {}) })); },
    limit: (rows: readonly DownloadView[], limit: number | null) => { void run(backend.limit(idsOf(rows), limit)); },
    problem, tell: setProblem, dismissProblem: () => { setProblem(""); },
    removal, keepRow: () => { setRemoval(null); }, remove: () => { if (removal) removeNow(removal); },
    limiting, doneLimiting: () => { setLimiting([]); },
    said: undone ?? null,
    forget: useCallback(() => {
      // A word that had nothing to undo gives way to the removal that it came over.
      setSaid((before) => {
        const last = before.at(-1);
        return !last || last.undo ? NOTHING : without(before, last, Date.now());
      });
    }, []),
    undo: undone?.undo ? () => {
      setSaid((before) => without(before, undone, Date.now()));
      undone.undo?.();
    } : null,
  };
}
