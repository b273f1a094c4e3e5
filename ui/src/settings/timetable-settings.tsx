// Hours of the week in which downloads go slower, or rest.
import { ToggleGroup } from "radix-ui";
import type { Timetable } from "../backend/generated/Timetable";
import { locale, t } from "../i18n/t";
import { useKept } from "../kit/remembered";
import { Switch } from "../kit/toggles";
import { NumberField } from "./number-field";

const MEGA = 1_000_000;
/** Evenings of workdays, to begin with: nothing of it holds before it is switched on. */
const USUAL: Timetable = {
  days: [true, true, true, true, true, false, false], from: 9 * 60, to: 17 * 60, limit: 2 * MEGA,
};
/** The first of these days is a Monday. */
const DAYS = [...Array(7).keys()].map((day) => new Date(2026, 10, 23 + day));
const SHORT = new Intl.DateTimeFormat(locale, { weekday: "short" });
const LONG = new Intl.DateTimeFormat(locale, { weekday: "long" });

const two = (figure: number) => String(figure).padStart(2, "0");
const clockOf = (minutes: number) => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;

function minutesOf(clock: string): number | null {
  const [, hours, minutes] = /^(\d\d):(\d\d)/u.exec(clock) ?? [];
  return hours === undefined || minutes === undefined ? null : Number(hours) * 60 + Number(minutes);
}

interface Props {
  table: Timetable | null;
  save: (table: Timetable | null) => void;
}

/** The hours that were set last, as they were kept; what cannot be read is as good as none. */
export function readHours(kept: unknown): Timetable {
  const { days, from, to, limit } = (kept ?? {}) as Partial<Timetable>;
  const isMinute = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 1440;
  const isSound = Array.isArray(days) && days.length === 7 && days.every((day) => typeof day === "boolean")
    && isMinute(from) && isMinute(to) && (limit === null || (typeof limit === "number" && limit >= 1024));
  return isSound ? { days, from, to, limit } as Timetable : USUAL;
}

export function TimetableSettings({ table, save: put }: Props) {
  const [last, setLast] = useKept("timetable", readHours);
  const save = (next: Timetable | null) => {
    if (table ?? next) setLast(next ?? table ?? last);
    put(next);
  };
  const time = (which: "from" | "to", name: string) => (
    <input type="time" aria-label={name} value={clockOf(table?.[which] ?? 0)} className="field tabular-nums"
      onChange={(event) => {
        const minutes = minutesOf(event.target.value);
        if (table && minutes !== null) save({ ...table, [which]: minutes });
      }} />
  );
  return (
    <>
      <label htmlFor="set-table">{t("set_timetable")}</label>
      <Switch id="set-table" label={t("set_timetable")} on={table !== null} set={(on) => { save(on ? last : null); }} />
      {table && (
        <>
          <span>{t("tt_days")}</span>
          <ToggleGroup.Root type="multiple" aria-label={t("tt_days")} className="flex flex-wrap gap-1"
            value={table.days.flatMap((on, day) => (on ? [String(day)] : []))}
            onValueChange={(days) => {
              save({ ...table, days: table.days.map((_, day) => days.includes(String(day))) as Timetable["days"] });
            }}>
            {DAYS.map((date, day) => (
              <ToggleGroup.Item key={day} value={String(day)} aria-label={LONG.format(date)}
                className="h-7 rounded-md border border-edge px-2 text-dim data-[state=on]:chosen">
                {SHORT.format(date)}
              </ToggleGroup.Item>
            ))}
          </ToggleGroup.Root>
          <span>{t("tt_hours")}</span>
          <span className="flex items-center gap-2">
            {time("from", t("tt_from"))}<span aria-hidden>–</span>{time("to", t("tt_to"))}
          </span>
          <NumberField name={t("tt_limit")} hint={t("tt_rest")} value={(table.limit ?? 0) / MEGA} least={0} most={100_000}
            whole={false}
            save={(limit) => { save({ ...table, limit: limit === 0 ? null : Math.max(1024, Math.round(limit * MEGA)) }); }} />
        </>
      )}
    </>
  );
}
