// Carries out what is asked of rows; a refusal is told, and what loses something is asked for first.
import { useCallback, useState } from "react";
import type { Backend } from "../backend/backend";
import type { Action } from "../backend/generated/Action";
import type { AddItem } from "../backend/generated/AddItem";
import type { Act } from "../downloads/actions";
import { loses, type Removal } from "./remove-dialog";

export function useActions(backend: Backend) {
  const [problem, setProblem] = useState("");
  const [removal, setRemoval] = useState<Removal | null>(null);
  const run = useCallback((work: Promise<unknown>) => {
    work.then(() => { setProblem(""); }, (error: unknown) => {
      setProblem(error instanceof Error ? error.message : String(error));
    });
  }, []);
  const act: Act = useCallback((verb, row) => {
    if (verb !== "remove" && verb !== "removeWithFile") {
      run(backend.act(verb, [row.id]));
      return;
    }
    const wanted = { row, withFile: verb === "removeWithFile" };
    if (loses(wanted)) setRemoval(wanted);
    else run(backend.remove([row.id], false));
  }, [backend, run]);
  const actOnAll = (action: Exclude<Action, "remove">, ids: string[]) => { run(backend.act(action, ids)); };
  const add = (items: AddItem[]) => { run(backend.add({ items })); };
  const remove = () => { if (removal) run(backend.remove([removal.row.id], removal.withFile)); };
  return {
    act, actOnAll, add,
    problem, dismissProblem: () => { setProblem(""); },
    removal, remove, keepRow: () => { setRemoval(null); },
  };
}
