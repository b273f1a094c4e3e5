// What was understood of the field, before anything starts.
import { CircleAlert, File, Link } from "lucide-react";
import type { AddItem } from "../backend/generated/AddItem";
import { t } from "../i18n/t";
import { Name } from "../kit/name";
import { Pick } from "../kit/toggles";
import { MOST_ITEMS, type Understood as Found } from "./parse";

/** The most lines of each kind; a pasted list may have thousands. */
const MOST = 50;

/** Items that the list has already, and whether they are to be left out. */
export interface Known {
  has: (item: AddItem) => boolean;
  count: number;
  leftOut: boolean;
  leaveOut: (on: boolean) => void;
}

interface Props {
  found: Found;
  /** How many would be added; all that was understood, where absent. */
  count?: number;
  known?: Known;
}

export function Understood({ found, count = found.items.length, known }: Props) {
  const { items, repeated, unclear } = found;
  const counts = [
    ["nUnderstood", items.length], ["nKnown", known?.count ?? 0], ["nRepeated", repeated], ["nUnclear", unclear.length],
  ] as const;
  const said = counts.filter(([, many]) => many > 0).map(([key, many]) => t(key, { count: many }));
  const more = Math.max(0, items.length - MOST) + Math.max(0, unclear.length - MOST);
  return (
    <div className="flex flex-col gap-1">
      <div className="flex min-h-[1.4em] flex-wrap items-center gap-x-4">
        <p role="status" className="text-dim">{said.join(" · ")}</p>
        {known && known.count > 0 && (
          <label className="flex items-center gap-2">
            <Pick label={t("leaveOut")} on={known.leftOut} set={known.leaveOut} />{t("leaveOut")}
          </label>
        )}
      </div>
      {count > MOST_ITEMS && <p role="alert" className="text-bad">{t("tooMany", { most: MOST_ITEMS })}</p>}
      {said.length > 0 && (
        <ul className="max-h-24 overflow-auto">
          {unclear.slice(0, MOST).map(({ word, why }, at) => (
            <li key={`${at} ${word}`} className="flex items-center gap-2 text-bad">
              <CircleAlert aria-hidden size={14} className="shrink-0" />
              <Name name={word} /><span className="shrink-0">· {t(why === "password" ? "hasPassword" : "unclear")}</span>
            </li>
          ))}
          {items.slice(0, MOST).map((item) => {
            const name = item.kind === "file" ? `#${item.fileId}` : item.url;
            const Icon = item.kind === "file" ? File : Link;
            return (
              <li key={name} className="flex items-center gap-2">
                <Icon aria-hidden size={14} className="shrink-0 text-dim" /><Name name={name} />
                {item.sha256 && <span className="shrink-0 text-dim" title={item.sha256}>· {t("withDigest")}</span>}
                {known?.has(item) && <span className="shrink-0 text-dim">· {t("knownAlready")}</span>}
              </li>
            );
          })}
          {more > 0 && <li className="text-dim">{t("andMore", { count: more })}</li>}
        </ul>
      )}
    </div>
  );
}
