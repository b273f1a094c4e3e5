// Numbers and times for people, as the window's language writes them: decimal bytes, humane durations, days by
// name.
import { locale, t } from "../i18n/t";

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const WHOLE = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const TYPED = new Intl.NumberFormat(locale, { maximumFractionDigits: 6, useGrouping: false });

/** A count. */
export function whole(count: number): string {
  return WHOLE.format(count);
}

/** As it is typed into a field: nothing between thousands. */
export function typed(value: number): string {
  return TYPED.format(value);
}

/** Every single byte of it. */
export function exactBytes(count: number): string {
  return `${whole(count)} B`;
}

export function bytes(count: number): string {
  let unit = 0;
  let value = count;
  // 999.95 would round up to "1000.0": the next unit says it better.
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${(unit === 0 ? WHOLE : TENTHS).format(value)} ${UNITS[unit] ?? ""}`;
}

export function speed(bytesPerSecond: number): string {
  return t("perSecond", { bytes: bytes(bytesPerSecond) });
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t("seconds", { seconds: whole });
  if (whole < 3600) return t("minutes", { minutes: Math.floor(whole / 60), seconds: whole % 60 });
  if (whole < 5400) return t("aboutAnHour");
  if (whole < 86_400 * 2) return t("aboutHours", { hours: Math.round(whole / 3600) });
  return t("aboutDays", { days: Math.round(whole / 86_400) });
}

/** A duration that is over, and so is known: tenths of a second while it is short. */
export function lapse(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  return seconds < 10 ? t("seconds", { seconds: TENTHS.format(seconds) }) : duration(seconds);
}

const CLOCK = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
const YEAR = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric" });
const TIME = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
const STAMP = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
const midnight = (of: Date) => new Date(of.getFullYear(), of.getMonth(), of.getDate()).getTime();

const WEEKDAY = new Intl.DateTimeFormat(locale, { weekday: "long", hour: "2-digit", minute: "2-digit" });

/** A moment of today, to the second. */
export function time(at: string): string {
  return TIME.format(new Date(at));
}

/** A moment, with its day. */
export function stamp(at: string): string {
  return STAMP.format(new Date(at));
}

/** A time that is to come: by the clock today, with its day later. */
export function soon(at: string, now = new Date()): string {
  const then = new Date(at);
  return (midnight(then) === midnight(now) ? CLOCK : WEEKDAY).format(then);
}

/** Local time: by the clock today, by its day before. */
export function when(at: string, now = new Date()): string {
  const then = new Date(at);
  const days = Math.round((midnight(now) - midnight(then)) / 86_400_000);
  if (days === 0) return t("today", { time: CLOCK.format(then) });
  if (days === 1) return t("yesterday");
  return (then.getFullYear() === now.getFullYear() ? DAY : YEAR).format(then);
}
