// The desktop's backend: one Tauri command, one event.
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { createStore } from "../downloads/store";
import { keepBy } from "../kit/remembered";
import { BackendError, type Backend } from "./backend";
import type { ClientEvent } from "./generated/ClientEvent";
import type { Commands } from "./generated/Commands";
import type { UpdateView } from "./generated/UpdateView";

async function call<Name extends keyof Commands>(
  name: Name,
  args: Commands[Name]["args"],
): Promise<Commands[Name]["reply"]> {
  try {
    return await invoke<Commands[Name]["reply"]>("call", { name, args });
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    throw new BackendError(code ?? "unknown", message ?? String(error));
  }
}

export function tauriBackend(): Backend {
  const store = createStore({
    snapshot: () => call("snapshot", null),
    subscribe: (listener) => {
      void listen<ClientEvent>("client-event", (event) => { listener(event.payload); });
    },
  });
  keepBy(async (name, value) => void (await call("remember", { name, value })));
  return {
    absent: {},
    useList: store.useList,
    useArrival: store.useArrival,
    reload: store.reload,
    files: (server, query, cursor) => call("files", { server, query, cursor, limit: 50 }),
    add: (request) => call("add", request),
    act: async (action, ids) => void (await call(action, { ids })),
    remove: async (ids, withFile) => void (await call("remove", { ids, withFile })),
    restore: (ids) => call("restore", { ids }),
    place: async (ids, place) => void (await call("place", { ids, place })),
    limit: async (ids, limit) => void (await call("limit", { ids, limit })),
    segments: (id) => call("segments", { id }),
    settings: () => call("settings", null),
    setSettings: (settings) => call("setSettings", settings),
    servers: {
      put: (edit) => call("putServer", edit),
      remove: (id) => call("removeServer", { id }),
    },
    tryNow: () => { void call("tryNow", null); },
    system: {
      about: () => call("about", null),
      autostart: () => call("autostart", null),
      setAutostart: (on) => call("setAutostart", on),
      onGiven(given) {
        const look = () => {
          call("given", null).then((lines) => { if (lines.length > 0) given(lines.join("\n")); }, () => undefined);
        };
        void listen("given", look);
        look();
      },
      exportList: () => call("export", null),
      importList: () => call("import", null),
      copyDiagnostics: () => call("copyDiagnostics", null),
      openLogs: () => call("openLogs", null),
      updates: () => call("updates", null),
      onUpdates(changed) {
        const listening = listen<UpdateView>("updates", (event) => { changed(event.payload); });
        return () => { void listening.then((stop) => { stop(); }); };
      },
      lookForUpdates: () => call("lookForUpdates", null),
      installUpdate: () => call("installUpdate", null),
      cancelUpdate: () => call("cancelUpdate", null),
      restart: () => call("restart", null),
    },
    chooseFolder: () => call("chooseFolder", null),
    dismissNotices() {
      store.dismissNotices();
      void call("dismissNotices", null);
    },
  };
}
