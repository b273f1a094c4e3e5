// What there is to say about new versions of the app, now and at each change.
import { useEffect, useState } from "react";
import type { System } from "../backend/backend";
import type { UpdateView } from "../backend/generated/UpdateView";

/** Null where there is no system to ask, and until it has answered. */
export function useUpdates(system: System | null): UpdateView | null {
  const [view, setView] = useState<UpdateView | null>(null);
  useEffect(() => {
    if (!system) return;
    let heard = false;
    const stop = system.onUpdates((next) => {
      heard = true;
      setView(next);
    });
    // What an event tells is newer than the answer.
    system.updates().then((first) => { if (!heard) setView(first); }, () => undefined);
    return stop;
  }, [system]);
  return view;
}
