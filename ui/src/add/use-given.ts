// Text that is pasted or dropped anywhere in the window, and what is written in dropped files.
import { useEffect, useEffectEvent } from "react";
import { ROWS } from "../downloads/queue";
import { t } from "../i18n/t";
import { bytes } from "../kit/format";

/** 10,000 links are about 1 MB; what is larger than this is no list of them. */
const MOST = 4 << 20;

/** Where a paste is for somebody else. */
const ELSEWHERE = "input, textarea, [role=dialog], [role=alertdialog]";

export interface Taken {
  /** Never cut: half a link is another link. */
  text: string;
  /** Why some of it was not taken. */
  refused: string;
}

const tooLarge = (name: string) => t("givenTooLarge", { name, most: bytes(MOST) });

/** Of a text: all of it or nothing. */
export function takenOf(text: string): Taken {
  return text.length > MOST ? { text: "", refused: tooLarge(t("pasted")) } : { text, refused: "" };
}

/** Of dropped files: those that are text, and small enough for a list. */
export async function takenOfFiles(files: readonly File[]): Promise<Taken> {
  const read = await Promise.all(files.map(async (file): Promise<Taken> => {
    if (file.size > MOST) return { text: "", refused: tooLarge(file.name) };
    // A folder cannot be read, nor what is gone by now.
    const text = await file.text().catch(() => "\0");
    return text.includes("\0") ? { text: "", refused: t("givenNoText", { name: file.name }) } : { text, refused: "" };
  }));
  const some = (which: keyof Taken) => read.map((one) => one[which]).filter(Boolean);
  return { text: some("text").join("\n"), refused: some("refused").join(" ") };
}

export function useGiven(given: (taken: Taken) => void): void {
  const take = ({ text, refused }: Taken) => { if (refused || text.trim()) given({ text: text.trim(), refused }); };
  const paste = useEffectEvent((event: ClipboardEvent) => {
    if (event.target instanceof Element && event.target.closest(ELSEWHERE)) return;
    take(takenOf(event.clipboardData?.getData("text/plain") ?? ""));
  });
  const drop = useEffectEvent((event: DragEvent) => {
    const data = event.dataTransfer;
    if (!data || data.types.includes(ROWS)) return;
    const files = [...data.files];
    // A field takes text by itself, but of a file only its path.
    if (files.length === 0 && event.target instanceof Element && event.target.closest("input, textarea")) return;
    event.preventDefault();
    if (files.length > 0) {
      void takenOfFiles(files).then(take);
      return;
    }
    take(takenOf(data.getData("text/uri-list") || data.getData("text/plain")));
  });
  useEffect(() => {
    // Without this, the window would go to what is dropped.
    const over = (event: DragEvent) => { event.preventDefault(); };
    const onPaste = (event: ClipboardEvent) => { paste(event); };
    const onDrop = (event: DragEvent) => { drop(event); };
    window.addEventListener("paste", onPaste);
    window.addEventListener("dragover", over);
    window.addEventListener("drop", onDrop);
    return () => {
      window.removeEventListener("paste", onPaste);
      window.removeEventListener("dragover", over);
      window.removeEventListener("drop", onDrop);
    };
  }, []);
}
