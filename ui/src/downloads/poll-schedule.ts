// When the next poll is due: every 2 s, as the server asks, or backing off after five failures.

/** Milliseconds between polls while all is well. */
export const INTERVAL = 2_000;
/** Failures in a row before the user is told and the pace falls. */
export const PATIENCE = 5;
/** The longest wait between two tries, in milliseconds. */
export const LONGEST = 60_000;

export interface PollState {
  failures: number;
}

/** After an answer; `retryAfter` is the header's seconds, where there is one. */
export function answered(retryAfter: number | null): { state: PollState; wait: number } {
  return { state: { failures: 0 }, wait: Math.min(LONGEST, Math.max(INTERVAL, (retryAfter ?? 0) * 1000)) };
}

/** After a failure; `random` in [0, 1) spreads the tries over half of the wait. */
export function failed(
  before: PollState,
  retryAfter: number | null,
  random: number,
): { state: PollState; wait: number; tell: boolean } {
  const failures = before.failures + 1;
  const tell = failures >= PATIENCE;
  const full = tell ? Math.min(LONGEST, INTERVAL * 2 ** Math.min(10, failures - PATIENCE + 1)) : INTERVAL;
  const jittered = tell ? full / 2 + (full / 2) * random : full;
  return { state: { failures }, wait: Math.max(jittered, (retryAfter ?? 0) * 1000), tell };
}
