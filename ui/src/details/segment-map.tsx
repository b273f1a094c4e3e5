// Where in the file bytes are already, segment by segment, while it is pulled.
import { useEffect, useState } from "react";
import type { Backend } from "../backend/backend";
import type { DownloadView } from "../backend/generated/DownloadView";
import type { SegmentMap as Segments } from "../backend/generated/SegmentMap";
import { t } from "../i18n/t";

const EVERY = 1_000;

export function SegmentMap({ backend, row }: { backend: Backend; row: DownloadView }) {
  const [{ segments }, setMap] = useState<Segments>({ id: row.id, segments: [] });
  const moving = row.state === "downloading";
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let current = true;
    const look = () => {
      backend.segments(row.id).then((map) => { if (current) setMap(map); }, () => undefined).finally(() => {
        if (current && moving) timer = setTimeout(look, EVERY);
      });
    };
    look();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [backend, row.id, moving]);
  const end = segments.at(-1)?.[2] ?? 0;
  if (end === 0) return null;
  const percent = (bytes: number) => `${(100 * bytes) / end}%`;
  return (
    <svg role="img" aria-label={t("segments")} className="mb-3 h-3 w-full rounded bg-line">
      {segments.map(([start, done, , active]) => done > start && (
        <rect key={start} x={percent(start)} width={percent(done - start)} height="100%"
          className={active ? "fill-accent" : "fill-made"} />
      ))}
      {segments.map(([start]) => start > 0 && (
        <rect key={start} x={percent(start)} width={1} height="100%" className="fill-page" />
      ))}
    </svg>
  );
}
