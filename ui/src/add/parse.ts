// Reads the add field: ids and http(s) URLs, in any mix, split by blanks, commas or lines; behind each
// its sha256 where one is known (`sha256:…`, or its 64 digits alone).
import type { AddItem } from "../backend/generated/AddItem";
import type { DownloadSource } from "../backend/generated/DownloadSource";

const DIGEST = /^(?:sha256[:=-])?([0-9a-f]{64})$/iu;

export interface Understood {
  items: AddItem[];
  /** Words that are neither an id nor a URL, as typed. */
  unclear: string[];
  /** How many were named more than once. */
  repeated: number;
}

/** `digests`: whether whoever pulls can hold the file against them. */
export function parseAdd(text: string, digests: boolean): Understood {
  const seen = new Map<string, AddItem>();
  let last: AddItem | undefined;
  const found: Understood = { items: [], unclear: [], repeated: 0 };
  for (const word of text.split(/[\s,;]+/u).filter(Boolean)) {
    const sha256 = digests ? DIGEST.exec(word)?.[1]?.toLowerCase() : undefined;
    const item = itemOf(word);
    if (sha256 && last && (last.sha256 ?? sha256) === sha256) last.sha256 = sha256;
    else if (!item) found.unclear.push(word);
    else {
      last = seen.get(keyOf(item));
      if (last) found.repeated += 1;
      else {
        last = item;
        seen.set(keyOf(item), item);
        found.items.push(item);
      }
    }
  }
  return found;
}

/** What makes two of them the same. */
export function keyOf(item: AddItem | DownloadSource): string {
  return item.kind === "file" ? `#${item.fileId}` : item.url;
}

function itemOf(word: string): AddItem | null {
  const digits = /^#?(\d+)$/u.exec(word)?.[1];
  if (digits !== undefined) {
    const fileId = Number(digits);
    return Number.isSafeInteger(fileId) ? { kind: "file", fileId } : null;
  }
  if (!/^https?:\/\//iu.test(word) || !URL.canParse(word)) return null;
  return { kind: "url", url: new URL(word).href };
}
