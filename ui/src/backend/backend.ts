// What the window needs of its host: the desktop's commands, or the server's plain HTTP.
import type { About } from "./generated/About";
import type { Action } from "./generated/Action";
import type { AddOutcome } from "./generated/AddOutcome";
import type { AddRequest } from "./generated/AddRequest";
import type { DownloadId } from "./generated/DownloadId";
import type { FilesPage } from "./generated/FilesPage";
import type { Imported } from "./generated/Imported";
import type { QueuePlace } from "./generated/QueuePlace";
import type { SegmentMap } from "./generated/SegmentMap";
import type { ServerEdit } from "./generated/ServerEdit";
import type { Settings } from "./generated/Settings";
import type { Snapshot } from "./generated/Snapshot";
import type { UpdateView } from "./generated/UpdateView";

/**
 * What a host may be unable to do: keep settings, pull the bytes itself, delete a file, bring a removed row
 * back, give a row another place or a limit.
 */
export type Feature = "settings" | "pull" | "deleteFile" | "undo" | "steer";

/** A refusal with a stable code and a sentence for people. */
export class BackendError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The desktop's side of the app: its tray, its start, links of other programs, files. */
export interface System {
  about(): Promise<About>;
  autostart(): Promise<boolean>;
  setAutostart(on: boolean): Promise<boolean>;
  /** Calls back with what links of other programs gave, now and later. */
  onGiven(given: (text: string) => void): void;
  /** Saves the list and the settings; where, or null when the user did not. */
  exportList(): Promise<string | null>;
  importList(): Promise<Imported | null>;
  /** Puts on the clipboard what a report of a fault needs. */
  copyDiagnostics(): Promise<unknown>;
  openLogs(): Promise<unknown>;
  updates(): Promise<UpdateView>;
  /** Calls back at each change of that; answers how to stop. */
  onUpdates(changed: (view: UpdateView) => void): () => void;
  lookForUpdates(): Promise<unknown>;
  installUpdate(): Promise<unknown>;
  /** Gives up what of it is being fetched. */
  cancelUpdate(): Promise<unknown>;
  restart(): Promise<unknown>;
}

/** The job servers beside the first one; the list says how each is. */
export interface Servers {
  /** Adds one, or changes it; refused where it does not let us in. */
  put(edit: ServerEdit): Promise<unknown>;
  remove(id: string): Promise<unknown>;
}

/** How far the list is: what is shown before it is there is not the list. */
export type Arrival = { stage: "loading" } | { stage: "there" } | { stage: "failed"; error: unknown };

export interface Backend {
  /** Features that this host lacks, each with the reason to show. */
  readonly absent: Partial<Record<Feature, string>>;
  /** A hook: the list as it is now, shown again at most four times a second. */
  useList(): Snapshot;
  /** A hook: whether that is the list already. */
  useArrival(): Arrival;
  /** Asks for the list again, where it could not be had. */
  reload(): void;
  /** One page of at most 50 files of a server's catalogue; null is the first server. */
  files(server: string | null, query: string | null, cursor: string | null): Promise<FilesPage>;
  add(request: AddRequest): Promise<AddOutcome>;
  /** Carries out an action that the rows' `can` allows. */
  act(action: Exclude<Action, "remove">, ids: DownloadId[]): Promise<void>;
  remove(ids: DownloadId[], withFile: boolean): Promise<void>;
  /** Brings rows back that were removed a moment ago; answers how many it could. */
  restore(ids: DownloadId[]): Promise<number>;
  /** Puts rows that have not ended to another place in the queue. */
  place(ids: DownloadId[], place: QueuePlace): Promise<void>;
  /** Limits each of these downloads, in bytes per second; null for no limit of its own. */
  limit(ids: DownloadId[], limit: number | null): Promise<void>;
  segments(id: DownloadId): Promise<SegmentMap>;
  settings(): Promise<Settings>;
  setSettings(settings: Settings): Promise<Settings>;
  /** Null where there can be only one server. */
  readonly servers: Servers | null;
  /** What only the desktop's own system can do; null where there is none. */
  readonly system: System | null;
  chooseFolder(): Promise<string | null>;
  /** Takes a token of the server's; only where the page itself speaks with it. */
  signIn?: (token: string) => void;
  /** Asks every server that is away again at once. */
  tryNow: () => void;
  /** The notices have been read. */
  dismissNotices(): void;
}
