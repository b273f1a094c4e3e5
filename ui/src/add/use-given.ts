// Text that is pasted or dropped anywhere in the window, and what is written in dropped files.
import { useEffect, useEffectEvent } from "react";
import { ROWS } from "../downloads/list";

/** A list of ids and links is far smaller; what is larger is no list. */
const MOST = 256 * 1024;

/** Where a paste is for somebody else. */
const ELSEWHERE = "input, textarea, [role=dialog], [role=alertdialog]";

export function useGiven(given: (text: string) => void): void {
  const paste = useEffectEvent((event: ClipboardEvent) => {
    if (event.target instanceof Element && event.target.closest(ELSEWHERE)) return;
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (text.trim()) given(text.slice(0, MOST));
  });
  const drop = useEffectEvent((event: DragEvent) => {
    const data = event.dataTransfer;
    if (!data || data.types.includes(ROWS) || (event.target instanceof Element && event.target.closest("textarea"))) return;
    event.preventDefault();
    void textOf(data).then((text) => { if (text.trim()) given(text); });
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

async function textOf(data: DataTransfer): Promise<string> {
  // Read before anything is awaited: what is dropped is gone after the event.
  const links = data.getData("text/uri-list") || data.getData("text/plain");
  const files = [...data.files].filter((file) => file.size <= MOST);
  const written = await Promise.all(files.map((file) => file.text()));
  return [...written, ...(files.length > 0 ? [] : [links])].join("\n");
}
