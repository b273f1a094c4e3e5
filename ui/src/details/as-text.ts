// One download as text to paste: into a mail, a ticket, a report. No signed link is in it.
import type { DownloadView } from "../backend/generated/DownloadView";
import { sentence } from "../downloads/sentence";
import { t } from "../i18n/t";

export function detailsOf(row: DownloadView): string {
  const { source } = row;
  const lines: [string, string | null][] = [
    [t("c_status"), sentence(row, true)],
    // The sentence may be a translation: whoever helps wants the words as they were.
    [t("d_fault"), row.fault && `${row.fault.code}: ${row.fault.message}`],
    [t("c_source"), source.kind === "file" ? `#${source.fileId}` : bare(source.url)],
    [t("d_size"), row.size === null ? null : `${row.size} B`],
    [t("d_folder"), row.path ?? row.folder],
    [t("d_job"), row.jobId],
    [t("d_crc"), row.crc64nvme],
    [t("d_sha"), row.sha256],
    [t("d_wanted"), row.wantedSha256],
    ...row.moments.map((moment): [string, string] => [t(`m_${moment.kind}`), moment.at]),
  ];
  return [row.name, ...lines.flatMap(([name, value]) => (value ? [`${name}: ${value}`] : []))].join("\n");
}

/** The query of a URL may be its secret. */
function bare(url: string): string {
  if (!URL.canParse(url)) return url;
  const { origin, pathname, search } = new URL(url);
  return `${origin}${pathname}${search ? "?…" : ""}`;
}
