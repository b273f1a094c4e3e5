// One bar from click to byte: what the server made, then what came here, in two tones of one hue.
import type { DownloadView } from "../backend/generated/DownloadView";

interface Parts {
  /** Null where nothing is made. */
  made: number | null;
  /** Null where a browser pulls: it does not tell. */
  pulled: number | null;
  /** Whole percent over all parts. */
  whole: number;
}

export function partsOf(row: DownloadView, pulls: boolean): Parts {
  const done = row.state === "completed";
  const made = done ? 100 : (row.made?.percent ?? 0);
  if (!pulls) return { made, pulled: null, whole: made };
  const pulled = done ? 100 : row.pulled?.total ? (100 * row.pulled.done) / row.pulled.total : 0;
  // Nobody makes what is pulled directly: all of its way is the pull.
  if (row.source.kind === "direct") return { made: null, pulled, whole: Math.floor(pulled) };
  return { made, pulled, whole: Math.floor((made + pulled) / 2) };
}

/** Grey while nothing moves. */
export function Bar({ name, parts, still }: { name: string; parts: Parts; still: boolean }) {
  return (
    <div role="progressbar" aria-label={name} aria-valuenow={parts.whole}
      className="flex h-1 min-w-0 flex-1 gap-px">
      {parts.made !== null && <Part percent={parts.made} tone={still ? "bg-dim" : parts.pulled === null ? "bg-accent" : "bg-made"} />}
      {parts.pulled !== null && <Part percent={parts.pulled} tone={still ? "bg-dim" : "bg-accent"} />}
    </div>
  );
}

function Part({ percent, tone }: { percent: number; tone: string }) {
  return (
    <div className="flex-1 overflow-hidden rounded-full bg-line">
      <div className={`h-full ${tone}`} style={{ width: `${percent}%` }} />
    </div>
  );
}
