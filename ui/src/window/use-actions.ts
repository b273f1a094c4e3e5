// Carries out what is asked of rows. A refusal is told; a removal can be undone, and is asked for first
// only where it cannot be.
import { useCallback, useState } from "react";
import type { Backend } from "../backend/backend";
import type { Action } from "../backend/generated/Action";
import type { AddItem } from "../backend/generated/AddItem";
import type { DownloadView } from "../backend/generated/DownloadView";
import type { QueuePlace } from "../backend/generated/QueuePlace";
import type { Act } from "../downloads/actions";
import { t } from "../i18n/t";
import { detailsOf } from "../details/as-text";
import { loses, type Removal } from "./remove-dialog";
import type { Said } from "./toast";
import { messageOf } from "../kit/message-of";

const idsOf = (rows: readonly DownloadView[]) => rows.map((row) => row.id);

export function useActions(backend: Backend) {
  const [problem, setProblem] = useState("");
  const [removal, setRemoval] = useState<Removal | null>(null);
  const [limiting, setLimiting] = useState<readonly DownloadView[]>([]);
  const [said, setSaid] = useState<Said | null>(null);
  const run = useCallback((work: Promise<unknown>, then?: () => void) => {
    work.then(() => {
      setProblem("");
      then?.();
    }, (error: unknown) => { setProblem(messageOf(error)); });
  }, []);
  const removeNow = useCallback(({ rows, withFile }: Removal) => {
    const ids = idsOf(rows);
    const name = rows.length === 1 ? (rows[0]?.name ?? "") : t("nDownloads", { count: rows.length });
    run(backend.remove(ids, withFile), () => {
      if (withFile) setSaid({ text: t("inTrash", { name }), undo: null });
      else if (!backend.absent.undo) {
        setSaid({ text: t("removed", { name }), undo: () => { run(backend.restore(ids)); } });
      }
    });
  }, [backend, run]);
  const move = useCallback((ids: string[], place: QueuePlace) => { run(backend.place(ids, place)); }, [backend, run]);
  const act: Act = useCallback((verb, rows) => {
    switch (verb) {
      case "remove": case "removeWithFile": {
        const wanted = { rows, withFile: verb === "removeWithFile" };
        if (wanted.withFile || (backend.absent.undo && loses(wanted))) setRemoval(wanted);
        else removeNow(wanted);
        break;
      }
      case "limitSpeed": setLimiting(rows); break;
      case "moveFirst": move(idsOf(rows), { at: "first" }); break;
      case "moveLast": move(idsOf(rows), { at: "last" }); break;
      case "copyDetails":
        run(navigator.clipboard.writeText(rows.map(detailsOf).join("\n\n")), () => {
          setSaid({ text: t("copied"), undo: null });
        });
        break;
      default: run(backend.act(verb, idsOf(rows)));
    }
  }, [backend, run, removeNow, move]);
  return {
    act, move,
    actOnAll: (action: Exclude<Action, "remove">, ids: string[]) => { run(backend.act(action, ids)); },
    add: (items: AddItem[], server: string | null = null) => { run(backend.add({ items, ...(server ? { server } : {}) })); },
    limit: (rows: readonly DownloadView[], limit: number | null) => {
      run(backend.limit(rows.map((row) => row.id), limit));
    },
    problem, dismissProblem: () => { setProblem(""); },
    removal, keepRow: () => { setRemoval(null); }, remove: () => { if (removal) removeNow(removal); },
    limiting, doneLimiting: () => { setLimiting([]); },
    said, forget: () => { setSaid(null); },
  };
}
