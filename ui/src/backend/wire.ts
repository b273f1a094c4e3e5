// One HTTP request to the job server, its answer or its problem.
import { t } from "../i18n/t";
import { BackendError } from "./backend";
import type { Problem } from "./generated/Problem";

const TOKEN = "longhaul.token";

/** A refusal by the server; `retryAfter` in seconds. */
export class ServerRefused extends BackendError {
  constructor(
    readonly status: number,
    code: string,
    message: string,
    readonly retryAfter: number | null,
  ) {
    super(code, message);
  }
}

export function keepToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

function secondsOf(reply: Response): number | null {
  const seconds = Number(reply.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : null;
}

/** What a browser says of a request that had no answer is for programmers. */
function unanswered(error: unknown): BackendError {
  const late = error instanceof DOMException && error.name === "TimeoutError";
  return late ? new BackendError("too_late", t("tooLate")) : new BackendError("unreachable", t("noAnswer"));
}

/** Sends a request that takes at most 28 s; throws `ServerRefused`, or that there was no answer. */
export async function ask<Reply>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ reply: Reply; retryAfter: number | null }> {
  const token = sessionStorage.getItem(TOKEN);
  const response = await fetch(path, {
    method,
    signal: AbortSignal.timeout(28_000),
    headers: {
      ...headers,
      ...(method === "GET" ? {} : { "content-type": "application/json" }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => { throw unanswered(error); });
  const retryAfter = secondsOf(response);
  if (!response.ok) {
    const problem = (await response.json().catch(() => null)) as Problem | null;
    const { code = "unknown", detail = response.statusText } = problem ?? {};
    throw new ServerRefused(response.status, code, detail, retryAfter);
  }
  const text = await response.text();
  return { reply: (text ? JSON.parse(text) : null) as Reply, retryAfter };
}
