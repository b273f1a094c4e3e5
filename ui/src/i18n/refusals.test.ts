// Refusals, notices and reasons in the window's language.
import { expect, test } from "vitest";
import type { ProblemCode } from "../backend/generated/ProblemCode";
import { REFUSALS, toldOf } from "./refusals";
import { LANGUAGES } from "./t";

const GONE = { code: "file_gone", message: "“plans.pdf” is no longer in /home/ada: it was moved or deleted" };

test("a refusal is told in the window's language, and what was said of it in English follows", () => {
  expect(toldOf(GONE, "de")).toEqual({
    text: "Die Datei ist nicht mehr da, wo sie gespeichert wurde.",
    detail: "“plans.pdf” is no longer in /home/ada: it was moved or deleted.",
  });
  // English says it once.
  expect(toldOf(GONE, "en")).toEqual({ text: `${GONE.message}.`, detail: "" });
});

test("of what cannot be, the reason follows", () => {
  const refused = { code: "invalid", message: "there is no such server" };
  expect(toldOf(refused, "es")).toEqual({ text: "Esto no es posible.", detail: "There is no such server." });
  expect(toldOf(refused, "en")).toEqual({ text: "There is no such server.", detail: "" });
});

test("a cause stands below what it caused, in English too", () => {
  const away = { code: "keyring", message: "no such service" };
  expect(toldOf(away, "en")).toEqual({ text: "The keyring does not give out the server's token.", detail: "No such service." });
});

test("what the message adds nothing to is told without it", () => {
  expect(toldOf({ code: "closed", message: "the download manager has shut down" }, "en"))
    .toEqual({ text: "Longhaul is closing.", detail: "" });
  expect(toldOf({ code: "queue_full", message: "503" }, "ja").detail).toBe("");
});

test("a download's fault and a refusal of the same code say the same", () => {
  expect(toldOf({ code: "unauthorized", message: "x" }, "de").text).toBe("Der Server verlangt ein gültiges Zugangstoken.");
});

test("a code of tomorrow, or none, is told as it was said", () => {
  expect(toldOf({ code: "of_tomorrow", message: "the moon is full" }, "zh")).toEqual({ text: "The moon is full.", detail: "" });
  expect(toldOf({ code: "", message: "list.json is damaged" }, "en").text).toBe("list.json is damaged.");
  expect(toldOf({ code: "", message: "Already a sentence!" }, "de").text).toBe("Already a sentence!");
  expect(toldOf({ code: "closed", message: "" }, "de").text).toBe("Longhaul wird gerade beendet.");
});

/** A code that the server may name and that is missing here does not compile. */
const PROBLEMS: Record<Exclude<ProblemCode, "unknown">, true> = {
  malformed_json: true, bad_request: true, unauthorized: true, forbidden: true, link_expired: true, cross_site: true,
  unknown_file: true, unknown_job: true, not_found: true, method_not_allowed: true, request_timeout: true,
  conflict: true, precondition_failed: true, body_too_large: true, uri_too_long: true, unsupported_media_type: true,
  range_not_satisfiable: true, misdirected_request: true, invalid_request: true, url_not_allowed: true,
  idempotency_key_reused: true, rate_limited: true, headers_too_large: true, internal: true, job_failed: true,
  queue_full: true, draining: true, not_ready: true, took_too_long: true,
};
/** Of the shell (src-tauri/src), of the download manager (crates/client/src), and of its notices. */
const OTHERS = [
  "list", "network", "unknown_download", "not_now", "invalid", "not_deleted", "closed", "too_many", "file_gone",
  "cannot_open", "start_failed", "export_failed", "import_failed", "autostart_failed", "not_kept", "report_failed", "faulty_reply",
  "unknown_command", "invalid_arguments", "unreachable", "faulty_server", "keyring", "list_recovered", "rows_set_aside",
  "server_recovered", "list_saved_again", "list_not_saved", "token_not_kept",
];

test.each(Object.keys(LANGUAGES))("%s has a sentence for each code", (language) => {
  for (const code of [...Object.keys(PROBLEMS), ...OTHERS]) {
    expect(toldOf({ code, message: "raw" }, language).text, code).not.toBe(language === "en" ? "" : "Raw.");
  }
  expect(Object.keys(REFUSALS[language] ?? {}).sort()).toEqual(Object.keys(REFUSALS["en"] ?? {}).sort());
});
