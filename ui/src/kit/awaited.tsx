// What stands where something is waited for, and where it did not come.
import { TriangleAlert } from "lucide-react";
import { t } from "../i18n/t";
import { Button } from "./button";
import { reasonOf } from "./message-of";
import { Reason } from "./reason";

interface SkeletonProps {
  /** What is waited for, for those who do not see the lines. */
  name: string;
  lines: number;
  /** Of one line, in px, as it will be. */
  height: number;
  className?: string;
}

/** Lines in the place of those that come: still, as all of the window is. */
export function Skeleton({ name, lines, height, className = "" }: SkeletonProps) {
  return (
    <div role="status" data-testid="loading" className={`awaited ${className}`}>
      <span className="sr-only">{name}</span>
      {[...Array(lines).keys()].map((line) => (
        <div key={line} style={{ height }} className="flex items-center gap-3">
          <span className="size-4 shrink-0 rounded bg-line" />
          {/* Names are of several lengths. */}
          <span className="h-2.5 rounded bg-line" style={{ width: `${28 + ((line * 17) % 31)}%` }} />
          <span className="ml-auto h-2.5 w-16 shrink-0 rounded bg-line" />
        </div>
      ))}
    </div>
  );
}

interface FailedProps {
  /** What did not come. */
  lead: string;
  error: unknown;
  retry: () => void;
  className?: string;
}

export function Failed({ lead, error, retry, className = "" }: FailedProps) {
  return (
    <div role="alert" data-testid="failed" className={`flex flex-col items-center gap-3 p-6 text-center ${className}`}>
      <div className="max-w-xl wrap-anywhere select-text">
        <p className="flex items-center justify-center gap-2 text-[15px]">
          <TriangleAlert aria-hidden size={16} className="shrink-0 text-bad" />{lead}
        </p>
        <div className="mt-1 text-dim"><Reason told={reasonOf(error)} /></div>
      </div>
      <Button onClick={retry}>{t("retry")}</Button>
    </div>
  );
}

/** It comes by itself, as soon as the server answers. */
export function Away({ text, retry }: { text: string; retry: () => void }) {
  return (
    <div role="status" data-testid="away" className="flex flex-col items-center gap-3 p-6 text-center">
      <p className="max-w-xl text-[15px] text-dim">{text}</p>
      <Button onClick={retry}>{t("tryNow")}</Button>
    </div>
  );
}
