// The last minute of the total speed, as a line.
import { useEffect, useRef, useState } from "react";

const POINTS = 60;

export function Sparkline({ speed }: { speed: number }) {
  const latest = useRef(speed);
  const [points, setPoints] = useState<number[]>([]);
  useEffect(() => { latest.current = speed; }, [speed]);
  useEffect(() => {
    const timer = setInterval(() => {
      setPoints((before) => before.length === 0 && latest.current === 0 ? before : [...before.slice(1 - POINTS), latest.current]);
    }, 1000);
    return () => { clearInterval(timer); };
  }, []);
  const top = Math.max(1, ...points);
  const path = points.map((point, i) => `${(i * 80) / (POINTS - 1)},${19 - (18 * point) / top}`).join(" ");
  return <svg aria-hidden width={80} height={20} className="text-accent max-md:hidden"><polyline points={path} fill="none" stroke="currentColor" strokeWidth={1.25} /></svg>;
}
