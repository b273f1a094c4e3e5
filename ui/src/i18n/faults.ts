// Why a download failed, in the window's language, by the fault's stable code; the details show what the
// engine or the server said of it, in its own words.
// The shell's notifications say the same words (src-tauri/src/language).
import type { DownloadFault } from "../backend/generated/DownloadFault";
import words from "./faults.json";
import { language } from "./t";

export const FAULTS: Record<string, Record<string, string>> = words;

/** A sentence about a fault: in the window's language where its code is known, else as it was said. */
export function faultOf({ code, message }: DownloadFault, spoken: string = language): string {
  return FAULTS[spoken]?.[code] ?? message;
}
