// The last minute of a speed, as a line.
import { useEffect, useRef, useState } from "react";

const POINTS = 60;
const [WIDE, HIGH] = [80, 20];

interface Props {
  /** Bytes per second now. */
  speed: number;
  /** In px. */
  wide?: number;
  high?: number;
  className?: string;
  /** What it shows, for those who do not see it; nothing where it is said beside. */
  label?: string;
}

export function Sparkline({ speed, wide = WIDE, high = HIGH, className = "shrink-0 max-lg:hidden", label }: Props) {
  const latest = useRef(speed);
  const [points, setPoints] = useState<number[]>([]);
  // Nothing moved for a minute: nothing is drawn, and nothing wakes up to see so.
  const rests = speed === 0 && points.every((point) => point === 0);
  useEffect(() => { latest.current = speed; }, [speed]);
  useEffect(() => {
    if (rests) return;
    const timer = setInterval(() => { setPoints((before) => [...before.slice(1 - POINTS), latest.current]); }, 1000);
    return () => { clearInterval(timer); };
  }, [rests]);
  const top = Math.max(1, ...points);
  const path = rests ? "" : points
    // The latest is at the right end, from the first second on.
    .map((point, i) => `${wide - ((points.length - 1 - i) * wide) / (POINTS - 1)},${high - 1 - ((high - 2) * point) / top}`)
    .join(" ");
  return (
    <svg aria-hidden={label === undefined} role={label === undefined ? undefined : "img"} aria-label={label}
      width={wide} height={high} className={`text-accent ${className}`}>
      <polyline points={path} fill="none" stroke="currentColor" strokeWidth={1.25} />
    </svg>
  );
}
