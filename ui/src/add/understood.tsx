// What was understood of the field, before anything starts.
import { CircleAlert, File, Link } from "lucide-react";
import { t } from "../i18n/t";
import { Name } from "../kit/name";
import { keyOf, type Understood as Found } from "./parse";

/** The most lines of each kind; a pasted list may have thousands. */
const MOST = 50;

interface Props {
  found: Found;
  /** What is in the list already. */
  known?: ReadonlySet<string>;
}

export function Understood({ found, known }: Props) {
  const { items, repeated, unclear } = found;
  const counts = [["nUnderstood", items.length], ["nRepeated", repeated], ["nUnclear", unclear.length]] as const;
  const said = counts.filter(([, count]) => count > 0).map(([key, count]) => t(key, { count }));
  const more = Math.max(0, items.length - MOST) + Math.max(0, unclear.length - MOST);
  return (
    <div className="flex flex-col gap-1">
      <p role="status" className="min-h-[1.4em] text-dim">
        {said.join(" · ")}
      </p>
      {said.length > 0 && (
        <ul className="max-h-24 overflow-auto">
          {unclear.slice(0, MOST).map((word, at) => (
            <li key={`${at} ${word}`} className="flex items-center gap-2 text-bad">
              <CircleAlert aria-hidden size={14} className="shrink-0" />
              <Name name={word} /><span className="shrink-0">· {t("unclear")}</span>
            </li>
          ))}
          {items.slice(0, MOST).map((item) => {
            const name = item.kind === "file" ? `#${item.fileId}` : item.url;
            const Icon = item.kind === "file" ? File : Link;
            return (
              <li key={name} className="flex items-center gap-2">
                <Icon aria-hidden size={14} className="shrink-0 text-dim" /><Name name={name} />
                {item.sha256 && <span className="shrink-0 text-dim" title={item.sha256}>· {t("withDigest")}</span>}
                {known?.has(keyOf(item)) && <span className="shrink-0 text-dim">· {t("knownAlready")}</span>}
              </li>
            );
          })}
          {more > 0 && <li className="text-dim">{t("andMore", { count: more })}</li>}
        </ul>
      )}
    </div>
  );
}
