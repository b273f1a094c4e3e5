// One download in full: what happened when, what it is, and how it was proven.
import { Check, ClipboardCopy, Copy, X } from "lucide-react";
import { useEffect, useState } from "react";
import type { Backend } from "../backend/backend";
import type { DownloadView } from "../backend/generated/DownloadView";
import type { ServerView } from "../backend/generated/ServerView";
import type { Act } from "../downloads/actions";
import { Sparkline } from "../downloads/sparkline";
import { faultOf } from "../i18n/faults";
import { t } from "../i18n/t";
import { IconButton } from "../kit/button";
import { bytes, exactBytes, lapse, speed as perSecond, stamp, time, whole } from "../kit/format";
import { Name } from "../kit/name";
import { SegmentMap } from "./segment-map";

interface Props {
  backend: Backend;
  row: DownloadView;
  servers: readonly ServerView[];
  /** How many are picked with it. */
  count: number;
  act: Act;
  close: () => void;
}

export function Details({ backend, row, servers, count, act, close }: Props) {
  const facts: [string, string | null][] = [
    [t("d_size"), row.size === null ? null : `${bytes(row.size)} (${exactBytes(row.size)})`],
    [t("c_source"), row.source.kind === "file" ? `#${row.source.fileId}` : row.source.url],
    [t("d_server"), row.server && (servers.find(({ id }) => id === row.server)?.name ?? t("srv_gone"))],
    [t("d_folder"), row.path ?? row.folder],
    [t("d_job"), row.jobId],
    [t("d_crc"), row.crc64nvme],
    [t("d_sha"), row.sha256],
    [t("d_wanted"), row.wantedSha256 === row.sha256 ? null : row.wantedSha256],
    [t("d_fetched"), row.pulled ? bytes(row.pulled.fetched) : null],
    [t("d_renewed"), row.pulled?.linksRenewed ? whole(row.pulled.linksRenewed) : null],
    [t("d_repaired"), row.pulled?.blocksRefetched ? whole(row.pulled.blocksRefetched) : null],
  ];
  const why = row.fault && faultOf(row.fault);
  const moving = row.state === "downloading" || row.state === "preparing";
  const segmented = !backend.absent.pull && row.pulled !== null && row.state !== "completed";
  return (
    <section aria-label={t("details")}
      className="h-56 shrink-0 overflow-auto border-t border-line bg-side py-2 pr-2 pl-4">
      <div className="mb-1 flex items-center gap-2">
        <h2 className="flex min-w-0 font-semibold"><Name name={row.name} /></h2>
        <span className="flex-1 text-dim">{count > 1 ? t("andMore", { count: count - 1 }) : ""}</span>
        <IconButton name={t("copyDetails")} icon={ClipboardCopy} onClick={() => { act("copyDetails", [row]); }} />
        <IconButton name={t("close")} icon={X} onClick={close} />
      </div>
      <div className="pr-2">
        <Timeline row={row} />
        {moving && (
          <div className="mb-3 flex items-center gap-3">
            <Sparkline speed={row.speed ?? 0} wide={320} high={36} className="" label={t("speedGraph")} />
            <span className="text-dim tabular-nums">{perSecond(row.speed ?? 0)}</span>
          </div>
        )}
        {segmented && <SegmentMap key={row.id} backend={backend} row={row} />}
        {row.fault && why && (
          <div className="mb-3 select-text">
            <p className="text-bad">{why}</p>
            {why !== row.fault.message && <p lang="en" className="text-dim">{row.fault.message}</p>}
          </div>
        )}
        <dl className="grid grid-cols-[max-content_1fr] gap-x-4 gap-y-1">
          {facts.map(([name, value]) => value && <Fact key={name} name={name} value={value} />)}
        </dl>
      </div>
    </section>
  );
}

/** Each moment by the clock, and how long it was since the one before. */
function Timeline({ row }: { row: DownloadView }) {
  return (
    <ol className="mb-3 flex flex-wrap gap-x-4 gap-y-1 text-dim tabular-nums">
      {row.moments.map((moment, at) => {
        const before = row.moments[at - 1];
        const then = new Date(moment.at);
        return (
          <li key={moment.kind}>
            <span className="text-ink">{t(`m_${moment.kind}`)}</span>{" "}
            <time dateTime={moment.at} title={stamp(moment.at)}>
              {before ? `+${lapse(then.getTime() - Date.parse(before.at))}` : time(moment.at)}
            </time>
          </li>
        );
      })}
    </ol>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => { setCopied(false); }, 1_500);
    return () => { clearTimeout(timer); };
  }, [copied]);
  const copy = () => { navigator.clipboard.writeText(value).then(() => { setCopied(true); }, () => undefined); };
  return (
    <>
      <dt className="text-dim">{name}</dt>
      <dd className="flex min-w-0 items-center gap-1">
        <span className="truncate select-text" title={value}>{value}</span>
        <IconButton name={copied ? t("copied") : t("copy", { what: name })} icon={copied ? Check : Copy} onClick={copy}
          className="-my-1 shrink-0 scale-90" />
      </dd>
    </>
  );
}
