// The desktop's page without its shell: serves ui/dist, and puts a scripted shell in place of Tauri's
// commands and events. What it shows is made up; what it drives is the page that ships.
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const KINDS = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

/** Serves the built page on a port of its own; answers with its address and how to stop. */
export async function serve() {
  if (!existsSync(join(DIST, "index.html"))) throw new Error("there is no ui/dist: npm run build makes it");
  const server = createServer((request, reply) => {
    const path = join(DIST, request.url === "/" ? "index.html" : new URL(request.url, "http://x").pathname);
    if (!path.startsWith(DIST) || !existsSync(path)) return void reply.writeHead(404).end();
    reply.writeHead(200, { "content-type": KINDS[extname(path)] ?? "text/plain", "content-security-policy": POLICY });
    createReadStream(path).pipe(reply);
  });
  await new Promise((ready) => { server.listen(0, "127.0.0.1", ready); });
  return { url: `http://127.0.0.1:${server.address().port}/`, stop: () => server.close() };
}

/**
 * Runs in the page, before it: `rows` are the list, `calls` what was asked for, `tell` sends an event.
 * Commands named in `holds` wait until they are released; those in `refuses` fail with what stands there.
 */
export function shell({ rows, files, server, servers = [], notices = [], holds = [], refuses = {} }) {
  // As the app's own window has it.
  Object.freeze(Object.prototype);
  const handlers = new Map();
  /** Of each event, who listens. */
  const listeners = { "client-event": [], updates: [], given: [] };
  const emit = (event, payload) => { for (const id of listeners[event]) handlers.get(id)({ event, id: 0, payload }); };
  const gone = new Map();
  let last = 0;
  let settings = { folder: "/home/ada/Downloads", concurrent: 4, connections: 8, limit: null, notify: true,
    urls: "direct", closeToTray: false, keepAwake: true, watchClipboard: false, lookForUpdates: true, timetable: null, folders: [],
    sameName: "number" };
  let autostart = false;
  let updates = {
    source: "updates.example.com", fault: null, installs: true, stage: { stage: "idle" }, found: null, error: null,
    lookedAt: new Date().toISOString(),
  };
  const count = (...states) => rows.filter((row) => states.includes(row.state)).length;
  const totals = () => ({
    all: rows.length, active: count("preparing", "downloading", "verifying"), waiting: count("queued", "paused"),
    completed: count("completed"), failed: count("failed", "cancelled"),
    speed: rows.reduce((sum, row) => sum + (row.speed ?? 0), 0), rests: false, slowed: null, until: null,
  });
  const held = [];
  const desk = {
    calls: [],
    holds,
    refuses,
    /** Lets all that waits go on, and holds nothing more. */
    release() {
      desk.holds = [];
      for (const goOn of held.splice(0)) goOn();
    },
    /** What links of other programs gave. */
    given: [],
    give(...lines) {
      desk.given.push(...lines);
      emit("given", null);
    },
    rows,
    tell(changed, removed = []) {
      const byId = new Map(changed.map((row) => [row.id, row]));
      const known = new Set(rows.map((row) => row.id));
      rows = [...changed.filter((row) => !known.has(row.id)), ...rows.map((row) => byId.get(row.id) ?? row)]
        .filter((row) => !removed.includes(row.id));
      desk.rows = rows;
      emit("client-event", { changed, removed, totals: totals(), server, servers, notices: [] });
    },
    /** What there is to say of updates from now on. */
    updated(change) {
      updates = { ...updates, ...change };
      emit("updates", updates);
    },
  };
  const replies = {
    snapshot: () => ({ downloads: rows, totals: totals(), server, servers, notices }),
    files: ({ query }) => ({
      files: files.filter((file) => !query || file.name.toLowerCase().includes(query.toLowerCase())), nextCursor: null,
    }),
    settings: () => settings,
    setSettings: (next) => { settings = next; return settings; },
    about: () => ({
      version: "0.1.0", dataDir: "/home/ada/.local/share/org.longhaul.desktop", library: null, server: "inside",
      embedded: true, tray: true,
    }),
    putServer: ({ id, name, address, token }) => {
      // As the server that asks for another token answers.
      if (token === "wrong") throw { code: "unauthorized", message: "the token is not valid" };
      const view = {
        id: id ?? `server-${servers.length + 1}`, name: name || new URL(address).host, address, hasToken: token !== null,
        link: { state: "online" },
      };
      servers = [...servers.filter((other) => other.id !== view.id), view];
      desk.tell([]);
      return view.id;
    },
    removeServer: ({ id }) => {
      servers = servers.filter((other) => other.id !== id);
      desk.tell([]);
      return null;
    },
    tryNow: () => null,
    autostart: () => autostart,
    setAutostart: (on) => { autostart = on; return on; },
    given: () => desk.given.splice(0),
    export: () => "/home/ada/longhaul.json",
    import: () => ({ added: 2, leftOut: 5, serversLeftOut: [], foldersLeftOut: [] }),
    copyDiagnostics: () => null,
    openLogs: () => null,
    updates: () => updates,
    lookForUpdates: () => updates,
    cancelUpdate: () => { desk.updated({ stage: { stage: "idle" } }); return null; },
    chooseFolder: () => "/mnt/archive",
    add: ({ items }) => ({ ids: items.map((_, at) => `new-${at}`) }),
    remove: ({ ids }) => {
      for (const row of rows) if (ids.includes(row.id)) gone.set(row.id, row);
      desk.tell([], ids);
      return null;
    },
    restore: ({ ids }) => { desk.tell(ids.map((id) => gone.get(id))); return ids.length; },
    segments: ({ id }) => ({
      id, segments: [...Array(8).keys()].map((n) => [n * 100, n * 100 + 20 + n * 9, n * 100 + 100, n % 3 > 0]),
    }),
  };
  window.desk = desk;
  window.__TAURI_EVENT_PLUGIN_INTERNALS__ = { unregisterListener: () => undefined };
  window.__TAURI_INTERNALS__ = {
    transformCallback(handler) { last += 1; handlers.set(last, handler); return last; },
    invoke(command, args) {
      if (command === "plugin:event|listen") listeners[args.event].push(args.handler);
      if (command !== "call") return Promise.resolve(0);
      desk.calls.push(args);
      const answer = () => {
        if (desk.refuses[args.name]) throw desk.refuses[args.name];
        return replies[args.name]?.(args.args) ?? null;
      };
      // As a task: what is thrown is a refusal.
      if (!desk.holds.includes(args.name)) return Promise.resolve().then(answer);
      return new Promise((goOn) => { held.push(goOn); }).then(answer);
    },
  };
}

const NAMES = [
  "Q3 export.zip", "footage-04.mov", "dataset.tar.zst", "plans.pdf", "Field recording – été 2026 (“final”).wav",
  "a very long name that goes on and on, as exported file names do when a person lets them, 2026-11-25 (draft 7).xlsx",
  "backup_2026-11-24T23-59-59.tar.gz", "תוכנית העבודה השנתית לשנת 2026 גרסה סופית.docx",
  "写真アルバム.zip", "scan0001.tiff",
];
const STATES = [
  "downloading", "preparing", "completed", "failed", "verifying", "paused", "queued", "completed", "cancelled",
];
const CAN = {
  completed: ["open", "showInFolder", "remove"], paused: ["resume", "cancel", "remove"],
  failed: ["retry", "remove"], cancelled: ["retry", "remove"],
};

/** A made-up row; every state comes in turn. */
export function row(at, now = Date.now()) {
  const state = STATES[at % STATES.length];
  const size = 2_040_109_466 + ((at * 7_919) % 97) * 131_000_000;
  const pulls = ["downloading", "verifying", "paused", "failed", "completed"].includes(state);
  const part = state === "verifying" || state === "completed" ? 1 : 0.61;
  const added = new Date(now - at * 3_700_000 - 90_000);
  const after = (seconds) => new Date(added.getTime() + seconds * 1000).toISOString();
  const number = String(at).padStart(12, "0");
  const moments = [["clicked", 0], ["accepted", 0.4], ["started", 0.9], ["stored", 47], ["pulling", 47.2]];
  return {
    id: `00000000-0000-4000-8000-${number}`, server: null, jobId: `8b1f0000-0000-4000-8000-${number}`,
    name: at < NAMES.length ? NAMES[at] : `${at} ${NAMES[at % NAMES.length]}`,
    source: { kind: "file", fileId: 70_000 + at }, state,
    can: CAN[state] ?? ["pause", "cancel", "remove"], size: state === "queued" ? null : size,
    made: state === "queued" ? null : {
      percent: state === "preparing" ? 22 : 100, stage: state === "preparing" ? "producing" : "done",
      done: size / 5, total: size,
      queuePosition: null, attempt: at % 18 === 1 ? 1 : 2, maxAttempts: 3,
    },
    pulled: pulls ? {
      done: size * part, total: size, verified: size * part, fetched: size * part, connections: 8, linksRenewed: 3,
      blocksRefetched: 0, trouble: null,
    } : null,
    speed: state === "downloading" ? 41_200_000 : state === "preparing" ? 18_000_000 : null,
    etaSeconds: state === "downloading" ? 130 : state === "preparing" ? 3_700 : null,
    fault: state === "failed" ? {
      code: "source_changed", message: "The file changed on the server while it was pulled; it must begin anew.",
      kept: 71_000_000, fix: "retry",
    } : null,
    folder: "/home/ada/Downloads",
    path: state === "completed" ? `/home/ada/Downloads/${NAMES[at % NAMES.length]}` : null,
    sha256: state === "completed" ? "9f2c".repeat(16) : null, wantedSha256: null, crc64nvme: "AAAAAAAAAAA=",
    proven: state === "completed", limit: null, place: 100_000 - at,
    moments: moments.map(([kind, s]) => ({ kind, at: after(s) })),
    addedAt: added.toISOString(), endedAt: CAN[state] && state !== "paused" ? after(80) : null, revision: 1,
  };
}

export const FILES = NAMES.map((name, at) => ({
  fileId: 70_000 + at, name, size: at === 3 ? null : 1_234_567 * (at + 1) ** 3, kind: "path",
  modifiedAt: new Date(Date.UTC(2026, 10, 1 + at)).toISOString(),
}));
