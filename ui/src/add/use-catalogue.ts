// The catalogue's files for what is searched, page after page; an answer that comes late is not shown.
import { useEffect, useState } from "react";
import type { Backend } from "../backend/backend";
import type { FileEntry } from "../backend/generated/FileEntry";
import { messageOf } from "../kit/message-of";

/** Typing goes on until it has been still for so long. */
const STILL = 150;

interface Found {
  /** Whose they are. */
  server: string | null;
  /** What these files are the answer to; null before the first. */
  query: string | null;
  files: FileEntry[];
  next: string | null;
  problem: string;
}

const NONE: Found = { server: null, query: null, files: [], next: null, problem: "" };

export function useCatalogue(backend: Backend, server: string | null, query: string): Found & { more: () => void } {
  const [found, setFound] = useState(NONE);
  useEffect(() => {
    let current = true;
    const ask = () => {
      backend.files(server, query || null, null).then(
        (page) => { if (current) setFound({ server, query, files: page.files, next: page.nextCursor, problem: "" }); },
        (error: unknown) => { if (current) setFound({ ...NONE, server, query, problem: messageOf(error) }); },
      );
    };
    const wait = setTimeout(ask, query ? STILL : 0);
    return () => {
      current = false;
      clearTimeout(wait);
    };
  }, [backend, server, query]);
  const more = () => {
    const { next } = found;
    if (next === null) return;
    backend.files(server, query || null, next).then(
      (page) => {
        // The page that is asked for twice, or for another search, is not added.
        setFound((now) => now.server !== server || now.query !== query || now.next !== next ? now : {
          ...now, files: [...now.files, ...page.files], next: page.nextCursor,
        });
      },
      (error: unknown) => { setFound((now) => ({ ...now, problem: messageOf(error) })); },
    );
  };
  // Another server's files have the same ids: they are not to be picked as this one's.
  return { ...(found.server === server ? found : NONE), more };
}
