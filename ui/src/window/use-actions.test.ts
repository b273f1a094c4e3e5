// @vitest-environment jsdom
// Removals that are taken back, one after the other.
import { act, renderHook } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import type { Backend } from "../backend/backend";
import type { DownloadView } from "../backend/generated/DownloadView";
import { useActions } from "./use-actions";

const row = (id: string) => ({ id, name: id, can: ["remove"], fault: null, made: null, pulled: null, state: "queued" }) as unknown as DownloadView;

function opened(over: Partial<Backend> = {}) {
  const restore = vi.fn((ids: string[]) => Promise.resolve(ids.length));
  const backend = { absent: {}, remove: () => Promise.resolve(), restore, ...over } as unknown as Backend;
  const leaving = vi.fn();
  const { result } = renderHook(() => useActions(backend, leaving));
  const remove = (...ids: string[]) => act(async () => {
    result.current.act("remove", ids.map(row));
    await Promise.resolve();
  });
  const undo = () => act(async () => {
    result.current.undo?.();
    await Promise.resolve();
  });
  return { result, restore, leaving, remove, undo };
}

test("a second removal leaves the first to be taken back after it", async () => {
  const { result, restore, leaving, remove, undo } = opened();
  await remove("a");
  await remove("b", "c");
  expect(leaving).toHaveBeenCalledTimes(2);
  await undo();
  expect(restore).toHaveBeenLastCalledWith(["b", "c"]);
  expect(result.current.said?.text).toContain("a");
  await undo();
  expect(restore).toHaveBeenLastCalledWith(["a"]);
  expect(result.current.said).toBeNull();
  expect(result.current.problem).toBe("");
});

test("what could not be brought back is said", async () => {
  const { result, remove, undo } = opened({ restore: (ids) => Promise.resolve(ids.length - 1) });
  await remove("a");
  await undo();
  expect(result.current.problem).not.toBe("");
});

test("of several removals that were refused in part, those that were done can be taken back", async () => {
  const { result, restore, remove, undo } = opened({ remove: () => Promise.reject(new Error("one is gone")) });
  await remove("a", "b");
  expect(result.current.problem).toMatch(/one is gone/iu);
  await undo();
  expect(restore).toHaveBeenLastCalledWith(["a", "b"]);
});

test("a word that cannot be undone gives way to the removal before it; that one's end is the end of all", async () => {
  vi.stubGlobal("navigator", { clipboard: { writeText: () => Promise.resolve() } });
  const { result, remove } = opened();
  await remove("a");
  await act(async () => {
    result.current.act("copyDetails", [{ ...row("b"), source: { kind: "file", fileId: 7 }, moments: [] } as never]);
    await Promise.resolve();
  });
  const { forget } = result.current;
  expect(result.current.undo).toBeNull();
  act(forget);
  expect(result.current.said?.text).toContain("a");
  expect(result.current.forget).toBe(forget);
  await remove("b");
  act(forget);
  expect(result.current.said).toBeNull();
  vi.unstubAllGlobals();
});
