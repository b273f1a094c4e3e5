// What can be set, with immediate effect: each field is saved when it is left.
import { useEffect, useState } from "react";
import type { Backend } from "../backend/backend";
import type { Settings } from "../backend/generated/Settings";
import { t } from "../i18n/t";

const MEGA = 1_000_000;

export function SettingsPanel({ backend }: { backend: Backend }) {
  const [settings, setSettings] = useState<Settings | null>(null);
  const [problem, setProblem] = useState(backend.absent.settings ?? "");
  useEffect(() => {
    if (backend.absent.settings) return;
    backend.settings().then(setSettings, (error: unknown) => { setProblem(String(error)); });
  }, [backend]);
  if (!settings) return <section aria-label={t("settings")} className="border-b border-line bg-side p-4 text-dim">{problem}</section>;
  const save = (next: Settings) => {
    backend.setSettings(next).then((saved) => { setSettings(saved); setProblem(""); }, (error: unknown) => { setProblem(String(error)); });
  };
  const choose = () => {
    void backend.chooseFolder().then((folder) => { if (folder) save({ ...settings, folder }); });
  };
  return (
    <section aria-label={t("settings")} className="grid grid-cols-[max-content_1fr] items-center gap-x-4 gap-y-2 border-b border-line bg-side p-4">
      <span>{t("set_folder")}</span>
      <span className="flex min-w-0 items-center gap-2"><span className="truncate">{settings.folder}</span>
        <button type="button" onClick={choose} className="rounded border border-line px-2 py-0.5">{t("choose")}</button></span>
      <Number name={t("set_concurrent")} value={settings.concurrent} most={32} save={(concurrent) => { save({ ...settings, concurrent }); }} />
      <Number name={t("set_connections")} value={settings.connections} most={64} save={(connections) => { save({ ...settings, connections }); }} />
      <Number name={t("set_limit")} value={Math.round((settings.limit ?? 0) / MEGA)} least={0} most={100_000}
        save={(limit) => { save({ ...settings, limit: limit === 0 ? null : limit * MEGA }); }} />
      <label htmlFor="set-notify">{t("set_notify")}</label>
      <input id="set-notify" type="checkbox" className="justify-self-start" checked={settings.notify} onChange={(event) => { save({ ...settings, notify: event.target.checked }); }} />
      {problem && <p role="alert" className="col-span-2 text-bad">{problem}</p>}
    </section>
  );
}

interface NumberProps { name: string; value: number; least?: number; most: number; save: (value: number) => void }

function Number({ name, value, least = 1, most, save }: NumberProps) {
  const id = `set-${name}`;
  return (
    <>
      <label htmlFor={id}>{name}</label>
      <input id={id} key={value} type="number" min={least} max={most} defaultValue={value} className="w-24 rounded border border-line bg-page px-2 py-0.5"
        onBlur={(event) => { if (event.target.validity.valid && event.target.valueAsNumber !== value) save(event.target.valueAsNumber); }} />
    </>
  );
}
