// What a failure says, whatever was thrown: in the window's language where it has a code that is known.
import { type Told, toldOf } from "../i18n/refusals";

export function reasonOf(error: unknown): Told {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  return toldOf({ code, message });
}

/** The same in one line. */
export function messageOf(error: unknown): string {
  const { text, detail } = reasonOf(error);
  return detail ? `${text} ${detail}` : text;
}
