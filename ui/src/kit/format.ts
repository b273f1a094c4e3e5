// Numbers for people: decimal bytes and humane durations.
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

export function bytes(count: number): string {
  let unit = 0;
  let value = count;
  // 999.95 would round up to "1000.0": the next unit says it better.
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? ""}`;
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 5400) return "about an hour";
  if (whole < 86_400 * 2) return `about ${Math.round(whole / 3600)} h`;
  return `about ${Math.round(whole / 86_400)} days`;
}
