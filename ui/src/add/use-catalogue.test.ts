// @vitest-environment jsdom
// What the catalogue shows while it is asked, and when it did not come.
import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Backend, BackendError } from "../backend/backend";
import type { FileEntry } from "../backend/generated/FileEntry";
import type { FilesPage } from "../backend/generated/FilesPage";
import { useCatalogue } from "./use-catalogue";

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const FILE = { fileId: 7, name: "a.bin" } as FileEntry;
const page = (files: FileEntry[], nextCursor: string | null = null): FilesPage => ({ files, nextCursor });
const AWAY = new BackendError("unreachable", "the server cannot be reached");
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

/** A catalogue whose server answers as it is told, in this order. */
function opened(...answers: (FilesPage | Error)[]) {
  const files = vi.fn(() => {
    const answer = answers.shift();
    if (!answer) return new Promise<FilesPage>(() => undefined);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  const backend = { files } as unknown as Backend;
  const hook = renderHook(({ server, query }) => useCatalogue(backend, server, query), {
    initialProps: { server: null as string | null, query: "" },
  });
  return { ...hook, files, now: () => hook.result.current };
}

test("it is loading until there is an answer, which may be none", async () => {
  const { now, rerender } = opened(page([FILE]), page([]));
  expect(now().stage).toBe("loading");
  await pass(0);
  expect(now()).toMatchObject({ stage: "files", files: [FILE] });
  rerender({ server: null, query: "x" });
  // What was found stays until the next answer.
  expect(now().stage).toBe("files");
  await pass(150);
  expect(now()).toMatchObject({ stage: "none", query: "x" });
  rerender({ server: "other", query: "x" });
  expect(now().stage).toBe("loading");
});

test("a refusal is told and not repeated until it is asked for", async () => {
  const { now, files } = opened(new BackendError("forbidden", "no"), page([FILE]));
  await pass(60_000);
  expect(now().stage).toBe("failed");
  expect(files).toHaveBeenCalledTimes(1);
  act(() => { now().retry(); });
  expect(now().stage).toBe("loading");
  await pass(0);
  expect(now().stage).toBe("files");
});

test("a server that is away is asked again by itself", async () => {
  const { now } = opened(AWAY, AWAY, page([FILE]));
  await pass(0);
  expect(now().stage).toBe("away");
  await pass(5_000);
  expect(now().stage).toBe("away");
  await pass(5_000);
  expect(now().stage).toBe("files");
});

test("a next page that does not come leaves what is there", async () => {
  const { now } = opened(page([FILE], "2"), AWAY, page([{ ...FILE, fileId: 8 }]));
  await pass(0);
  await act(async () => { now().more(); await Promise.resolve(); });
  expect(now()).toMatchObject({ stage: "files", error: AWAY, next: "2" });
  await act(async () => { now().more(); await Promise.resolve(); });
  expect(now()).toMatchObject({ stage: "files", error: null, next: null });
  expect(now().files.map((file) => file.fileId)).toEqual([7, 8]);
});
