// Reads the add field: ids and http(s) URLs, in any mix, split by blanks, commas or lines.
import type { AddItem } from "../backend/generated/AddItem";
import type { DownloadSource } from "../backend/generated/DownloadSource";

export interface Understood {
  items: AddItem[];
  /** Words that are neither an id nor a URL, as typed. */
  unclear: string[];
  /** How many were named more than once. */
  repeated: number;
}

export function parseAdd(text: string): Understood {
  const seen = new Set<string>();
  const found: Understood = { items: [], unclear: [], repeated: 0 };
  for (const word of text.split(/[\s,;]+/u).filter(Boolean)) {
    const item = itemOf(word);
    if (!item) found.unclear.push(word);
    else if (seen.has(keyOf(item))) found.repeated += 1;
    else {
      seen.add(keyOf(item));
      found.items.push(item);
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
