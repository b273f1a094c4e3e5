// A speed limit of some downloads' own.
import { useRef, useState } from "react";
import type { DownloadView } from "../backend/generated/DownloadView";
import { t } from "../i18n/t";
import { Button } from "../kit/button";
import { Dialog } from "../kit/dialog";
import { typed } from "../kit/format";
import { numberOf, problemOf } from "../settings/number-field";

const MEGA = 1_000_000;
const MOST = 100_000;

interface Props {
  rows: readonly DownloadView[];
  limit: (rows: readonly DownloadView[], limit: number | null) => void;
  close: () => void;
}

export function LimitDialog({ rows, limit, close }: Props) {
  const [text, setText] = useState(() => typed((rows[0]?.limit ?? 0) / MEGA));
  const field = useRef<HTMLInputElement>(null);
  const problem = problemOf(text, 0, MOST, false);
  const set = (bytes: number) => {
    limit(rows, bytes === 0 ? null : Math.max(1024, Math.round(bytes)));
    close();
  };
  return (
    <Dialog title={t("limitSpeed")} close={close} focus={() => field.current}>
      <form className="flex flex-col gap-3 p-4" onSubmit={(event) => {
        event.preventDefault();
        if (!problem) set(numberOf(text) * MEGA);
      }}>
        <p className="truncate text-dim">
          {rows.length === 1 ? rows[0]?.name : t("nDownloads", { count: rows.length })}
        </p>
        <label className="flex items-center gap-3">
          {t("set_limit")}
          <input ref={field} data-testid="limit-field" inputMode="decimal" value={text} aria-invalid={problem !== ""}
            aria-describedby="limit-note" onChange={(event) => { setText(event.target.value); }}
            className="field w-24 text-right tabular-nums" />
          <span id="limit-note" role={problem ? "alert" : undefined} className={problem ? "text-bad" : "text-dim"}>
            {problem || t("set_limitHint")}
          </span>
        </label>
        <div className="flex justify-end gap-2">
          <Button onClick={() => { set(0); }}>{t("noLimit")}</Button>
          <Button type="submit" tone="primary" disabled={problem !== ""}>{t("setIt")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
