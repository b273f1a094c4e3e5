// The catalogue's files for what is searched, page after page; an answer that comes late is not shown.
import { useEffect, useState } from "react";
import { type Backend, BackendError } from "../backend/backend";
import type { FileEntry } from "../backend/generated/FileEntry";

/** Typing goes on until it has been still for so long. */
const STILL = 150;
/** A server that is away is asked again by itself. */
const AGAIN = 5_000;
const AWAY = new Set(["unreachable", "too_late"]);

interface Found {
  /** Whose they are. */
  server: string | null;
  /** What these files are the answer to; null before the first. */
  query: string | null;
  files: FileEntry[];
  next: string | null;
  /** Why the last answer did not come; null where it came. */
  error: unknown;
}

const NONE: Found = { server: null, query: null, files: [], next: null, error: null };

/** `away`: the server does not answer, and is asked again. `files`: there are some, even if no more came. */
export type Stage = "loading" | "files" | "none" | "away" | "failed";

export interface Catalogue extends Found {
  stage: Stage;
  more: () => void;
  retry: () => void;
}

export function stageOf({ query, files, error }: Found): Stage {
  if (files.length > 0) return "files";
  if (error !== null) return error instanceof BackendError && AWAY.has(error.code) ? "away" : "failed";
  return query === null ? "loading" : "none";
}

export function useCatalogue(backend: Backend, server: string | null, query: string): Catalogue {
  const [found, setFound] = useState(NONE);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let current = true;
    let wait: ReturnType<typeof setTimeout>;
    const ask = () => {
      backend.files(server, query || null, null).then(
        (page) => { if (current) setFound({ server, query, files: page.files, next: page.nextCursor, error: null }); },
        (error: unknown) => {
          if (!current) return;
          const failed = { ...NONE, server, query, error };
          setFound(failed);
          if (stageOf(failed) === "away") wait = setTimeout(ask, AGAIN);
        },
      );
    };
    wait = setTimeout(ask, query ? STILL : 0);
    return () => {
      current = false;
      clearTimeout(wait);
    };
  }, [backend, server, query, tries]);
  const more = () => {
    const { next } = found;
    if (next === null) return;
    backend.files(server, query || null, next).then(
      (page) => {
        // The page that is asked for twice, or for another search, is not added.
        setFound((now) => now.server !== server || now.query !== query || now.next !== next ? now : {
          ...now, files: [...now.files, ...page.files], next: page.nextCursor, error: null,
        });
      },
      (error: unknown) => { setFound((now) => ({ ...now, error })); },
    );
  };
  const retry = () => {
    setFound(NONE);
    setTries(tries + 1);
  };
  // Another server's files have the same ids: they are not to be picked as this one's.
  const own = found.server === server ? found : NONE;
  return { ...own, stage: stageOf(own), more, retry };
}
