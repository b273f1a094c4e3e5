// One download in full: what happened when, what it is, and how it was proven.
import { Copy, X } from "lucide-react";
import type { DownloadView } from "../backend/generated/DownloadView";
import { t } from "../i18n/t";
import { bytes } from "../kit/format";

export function Details({ row, close }: { row: DownloadView; close: () => void }) {
  const facts: [string, string | null][] = [
    [t("d_size"), row.size === null ? null : `${bytes(row.size)} (${row.size.toLocaleString()} B)`],
    [t("d_folder"), row.path ?? row.folder],
    [t("d_job"), row.jobId],
    [t("d_crc"), row.crc64nvme],
    [t("d_sha"), row.sha256],
    [t("d_fetched"), row.pulled ? bytes(row.pulled.fetched) : null],
    [t("d_renewed"), row.pulled?.linksRenewed ? String(row.pulled.linksRenewed) : null],
    [t("d_repaired"), row.pulled?.blocksRefetched ? String(row.pulled.blocksRefetched) : null],
  ];
  return (
    <section aria-label={t("details")} className="max-h-72 overflow-auto border-t border-line bg-side p-4">
      <div className="mb-2 flex items-start gap-2">
        <h2 className="min-w-0 flex-1 truncate font-semibold">{row.name}</h2>
        <button type="button" aria-label={t("close")} title={t("close")} onClick={close} className="rounded p-1 hover:bg-line"><X aria-hidden size={16} /></button>
      </div>
      <ol className="mb-3 flex flex-wrap gap-x-4 gap-y-1 text-dim">
        {row.moments.map((moment) => (
          <li key={moment.kind}><span className="text-ink">{t(`m_${moment.kind}`)}</span> <time className="tabular-nums" dateTime={moment.at}>{new Date(moment.at).toLocaleTimeString()}</time></li>
        ))}
      </ol>
      {row.fault && <p className="mb-3 text-bad">{row.fault.message}</p>}
      <dl className="grid grid-cols-[max-content_1fr] gap-x-4 gap-y-1">
        {facts.map(([name, value]) => value && <Fact key={name} name={name} value={value} />)}
      </dl>
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt className="text-dim">{name}</dt>
      <dd className="flex min-w-0 items-center gap-1">
        <span className="truncate select-text" title={value}>{value}</span>
        <button type="button" aria-label={t("copy", { what: name })} title={t("copy", { what: name })}
          onClick={() => { void navigator.clipboard.writeText(value); }} className="shrink-0 rounded p-0.5 text-dim hover:bg-line"><Copy aria-hidden size={12} /></button>
      </dd>
    </>
  );
}
