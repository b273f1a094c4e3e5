// Why something was refused, why a server is away, what must be told once: in the window's language, by the
// stable code that comes with it. What was said in English follows where it adds something: a path, a name,
// a count.
import { FAULTS } from "./faults";
import words from "./refusals.json";
import { language } from "./t";

export interface Coded {
  code: string;
  message: string;
}

export interface Told {
  /** A sentence. */
  text: string;
  /** In English, what else is known; empty where that is nothing. */
  detail: string;
}

export const REFUSALS: Record<string, Record<string, string>> = words;

/** Codes that say the same to a person. */
const SAME: Record<string, string> = {
  malformed_json: "bad_request", method_not_allowed: "bad_request", precondition_failed: "bad_request",
  body_too_large: "bad_request", uri_too_long: "bad_request", headers_too_large: "bad_request",
  unsupported_media_type: "bad_request", range_not_satisfiable: "bad_request", idempotency_key_reused: "bad_request",
  invalid_arguments: "faulty_reply", unknown_command: "faulty_reply",
};

/**
 * Of which codes the message adds something: `sentence` where it says all that the translation says, so that in
 * English it stands alone; `part` where it is a cause without what it caused.
 */
const ADDS: Record<string, "sentence" | "part"> = {
  not_now: "sentence", invalid: "sentence", not_deleted: "sentence", too_many: "sentence", file_gone: "sentence",
  cannot_open: "sentence", autostart_failed: "sentence", unreachable: "sentence", faulty_server: "sentence",
  invalid_request: "sentence", url_not_allowed: "sentence", conflict: "sentence", list_recovered: "sentence",
  rows_set_aside: "sentence", server_recovered: "sentence", list_not_saved: "sentence", token_not_kept: "sentence",
  list: "part", network: "part", keyring: "part", start_failed: "part", export_failed: "part", import_failed: "part",
  not_kept: "part", report_failed: "part", faulty_reply: "part", bad_request: "part", not_found: "part", misdirected_request: "part",
};

/** Without a code that is known, it is told as it was said. */
export function toldOf({ code, message }: Coded, spoken: string = language): Told {
  const known = SAME[code] ?? code;
  const text = REFUSALS[spoken]?.[known] ?? FAULTS[spoken]?.[known];
  const said = sentence(message);
  if (text === undefined) return { text: said, detail: "" };
  const adds = said && said !== text ? ADDS[known] : undefined;
  if (spoken === "en" && adds === "sentence") return { text: said, detail: "" };
  return { text, detail: adds ? said : "" };
}

/** Errors begin in small letters, and end without a full stop. */
function sentence(message: string): string {
  const said = message.trim();
  if (!said) return "";
  // The name of a file stays as it is.
  const begun = said.replace(/^[a-z]+(?=[\s,:;])/u, (word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${begun}${/[.!?…。！？]$/u.test(said) ? "" : "."}`;
}
