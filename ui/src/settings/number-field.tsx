// A number that is saved when it is left or Enter is pressed, and says what is wrong with it before. Escape
// brings back what holds.
import { useId, useState } from "react";
import { locale, t } from "../i18n/t";
import { typed as written } from "../kit/format";

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
  const text = typed ?? written(value);
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
          data-changed={text === written(value) ? undefined : ""}
          onKeyDown={(event) => {
            if (event.key === "Enter") commit();
            else if (event.key === "Escape") setTyped(null);
          }}
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

const between = new Intl.NumberFormat(locale).formatToParts(12_345).find(({ type }) => type === "group")?.value ?? "";
/** As this language parts thousands: "1.000" is a thousand in German, and one in English. */
const THOUSANDS = between && new RegExp(`^\\d{1,3}([${between}]\\d{3})+(?!\\d)`, "u");

/** A decimal comma is one everywhere, and so is a point; nothing at all is no number. */
export function numberOf(text: string): number {
  const trimmed = text.trim();
  const plain = THOUSANDS && THOUSANDS.test(trimmed) ? trimmed.replaceAll(between, "") : trimmed;
  return plain === "" ? Number.NaN : Number(plain.replace(",", "."));
}
