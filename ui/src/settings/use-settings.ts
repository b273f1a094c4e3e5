// What the dialog of settings shows, loaded once for all its sections.
import { useEffect, useState } from "react";
import type { Backend, System } from "../backend/backend";
import type { About } from "../backend/generated/About";
import type { Settings } from "../backend/generated/Settings";

/** What holds on this computer. */
export interface Here {
  about: About;
  /** Null where the system does not tell. */
  autostart: boolean | null;
}

/** Each is null where there is no such thing. */
export interface Loaded {
  settings: Settings | null;
  here: Here | null;
}

export interface Kept {
  /** Null until all of it is there: what came later would push away what somebody is about to click. */
  loaded: Loaded | null;
  /** Why it is not; null while it is on its way. */
  error: unknown;
  /** Sets some of the settings, and shows what then holds. */
  save: (change: Partial<Settings>) => Promise<void>;
  setAutostart: (on: boolean) => Promise<void>;
  /** Looks at all of it again. */
  reload: () => void;
}

export function useSettings(backend: Backend): Kept {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [error, setError] = useState<unknown>(null);
  const { absent, system } = backend;
  const load = () => {
    Promise.all([absent.settings ? null : backend.settings(), system && hereOf(system)]).then(([settings, here]) => {
      setLoaded({ settings, here });
    }, setError);
  };
  useEffect(load, [backend, absent, system]);
  return {
    loaded,
    error,
    // Read anew: two changes may be under way at once.
    save: async (change) => {
      const settings = await backend.setSettings({ ...await backend.settings(), ...change });
      setLoaded((now) => now && { ...now, settings });
    },
    setAutostart: async (on) => {
      const autostart = await system?.setAutostart(on) ?? null;
      setLoaded((now) => now && { ...now, here: now.here && { ...now.here, autostart } });
    },
    reload() {
      setError(null);
      load();
    },
  };
}

async function hereOf(system: System): Promise<Here> {
  const [about, autostart] = await Promise.all([system.about(), system.autostart().catch(() => null)]);
  return { about, autostart };
}
