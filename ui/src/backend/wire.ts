// One HTTP request to the job server, its answer or its problem.
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

/** Sends a request that takes at most 28 s; throws `ServerRefused`, or what fetch throws. */
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
  });
  const retryAfter = secondsOf(response);
  if (!response.ok) {
    const problem = (await response.json().catch(() => null)) as Problem | null;
    throw new ServerRefused(response.status, problem?.code ?? "unknown", problem?.detail ?? response.statusText, retryAfter);
  }
  const text = await response.text();
  return { reply: (text ? JSON.parse(text) : null) as Reply, retryAfter };
}
