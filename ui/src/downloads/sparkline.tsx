// The last minute of the total speed, as a line.
import { useEffect, useRef, useState } from "react";

const POINTS = 60;
const [WIDE, HIGH] = [80, 20];

export function Sparkline({ speed }: { speed: number }) {
  const latest = useRef(speed);
  const [points, setPoints] = useState<number[]>([]);
  useEffect(() => { latest.current = speed; }, [speed]);
  useEffect(() => {
    const timer = setInterval(() => {
      setPoints((before) => (
        // Nothing moved for a minute: nothing is drawn anew.
        latest.current === 0 && before.every((point) => point === 0) ? [] : [...before.slice(1 - POINTS), latest.current]
      ));
    }, 1000);
    return () => { clearInterval(timer); };
  }, []);
  const top = Math.max(1, ...points);
  const path = points
    // The latest is at the right end, from the first second on.
    .map((point, i) => `${WIDE - ((points.length - 1 - i) * WIDE) / (POINTS - 1)},${HIGH - 1 - ((HIGH - 2) * point) / top}`)
    .join(" ");
  return (
    <svg aria-hidden width={WIDE} height={HIGH} className="shrink-0 text-accent max-lg:hidden">
      <polyline points={path} fill="none" stroke="currentColor" strokeWidth={1.25} />
    </svg>
  );
}
