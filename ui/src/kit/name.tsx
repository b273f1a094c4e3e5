// A file's name, cut in its middle where it is too long: its beginning and its end tell most.
import { locale } from "../i18n/t";

const TAIL = 14;
/** Written from right to left, in part: only the browser knows which end to cut. */
const LEFTWARD = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;
const letters = new Intl.Segmenter(locale, { granularity: "grapheme" });

/** The name in two, never within what is seen as one letter. */
export function halves(name: string): [string, string] {
  if (name.length <= TAIL * 2 || LEFTWARD.test(name)) return [name, ""];
  let cut = 0;
  for (const letter of letters.segment(name)) {
    if (letter.index > name.length - TAIL) break;
    cut = letter.index;
  }
  return [name.slice(0, cut), name.slice(cut)];
}

export function Name({ name, className = "" }: { name: string; className?: string }) {
  const [head, tail] = halves(name);
  return (
    <span title={name} className={`flex min-w-0 whitespace-pre ${className}`}>
      <bdi className="overflow-hidden text-ellipsis">{head}</bdi>
      {tail && <bdi className="shrink-0">{tail}</bdi>}
    </span>
  );
}
