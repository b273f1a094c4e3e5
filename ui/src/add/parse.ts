// Reads the add field: ids and http(s) URLs, in any mix, split by blanks, commas or lines; behind each
// its sha256 where one is known (`sha256:…`, or its 64 digits alone).
import type { AddItem } from "../backend/generated/AddItem";
import type { DownloadSource } from "../backend/generated/DownloadSource";

const DIGEST = /^(?:sha256[:=-])?([0-9a-f]{64})$/iu;

/** The most that one addition may hold (contract of the desktop's list). */
export const MOST_ITEMS = 10_000;

export interface Unclear {
  /** As typed. */
  word: string;
  /** Neither an id nor a URL; or one with a password, which the list would keep in plain text. */
  why: "unclear" | "password";
}

export interface Understood {
  items: AddItem[];
  unclear: Unclear[];
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
    const read = itemOf(word);
    const item = typeof read === "string" ? null : read;
    if (sha256 && last && (last.sha256 ?? sha256) === sha256) last.sha256 = sha256;
    else if (!item) found.unclear.push({ word, why: read === "password" ? read : "unclear" });
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

function itemOf(word: string): AddItem | "password" | null {
  const digits = /^#?(\d+)$/u.exec(word)?.[1];
  if (digits !== undefined) {
    const fileId = Number(digits);
    return Number.isSafeInteger(fileId) ? { kind: "file", fileId } : null;
  }
  if (!/^https?:\/\//iu.test(word) || !URL.canParse(word)) return null;
  const url = new URL(word);
  return url.username || url.password ? "password" : { kind: "url", url: url.href };
}
