// A number that is saved when it is left or Enter is pressed, and says what is wrong with it before.
import { useId, useState } from "react";
import { t } from "../i18n/t";

interface Props {
  name: string;
  hint?: string;
  value: number;
  least: number;
  most: number;
  whole?: boolean;
  save: (value: number) => void;
}

export function NumberField({ name, hint, value, least, most, whole = true, save }: Props) {
  const id = useId();
  // Null while it is not being changed: then the saved value is shown.
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? String(value);
  const problem = problemOf(text, least, most, whole);
  const commit = () => {
    if (typed === null || problem) return;
    setTyped(null);
    const next = numberOf(text);
    if (next !== value) save(next);
  };
  return (
    <>
      <label htmlFor={id}>{name}</label>
      <div className="flex items-center gap-2">
        <input id={id} inputMode={whole ? "numeric" : "decimal"} value={text} aria-invalid={problem !== ""}
          aria-describedby={`${id}-note`} onBlur={commit} onChange={(event) => { setTyped(event.target.value); }}
          onKeyDown={(event) => { if (event.key === "Enter") commit(); }}
          className="field w-20 text-right tabular-nums" />
        <span id={`${id}-note`} role={problem ? "alert" : undefined} className={problem ? "text-bad" : "text-dim"}>
          {problem || hint}
        </span>
      </div>
    </>
  );
}

/** What is wrong with it, or nothing. */
export function problemOf(text: string, least: number, most: number, whole: boolean): string {
  const value = numberOf(text);
  const right = value >= least && value <= most && (!whole || Number.isInteger(value));
  return right ? "" : t(whole ? "wholeBetween" : "between", { least, most });
}

/** A decimal comma is one too; nothing at all is no number. */
export function numberOf(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text.trim().replace(",", "."));
}
