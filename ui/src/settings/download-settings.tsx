// Where downloads go, how many run, and how fast: kept by the backend, which answers with what holds.
import { useState } from "react";
import type { Backend } from "../backend/backend";
import type { Settings } from "../backend/generated/Settings";
import { t } from "../i18n/t";
import { Button } from "../kit/button";
import { messageOf } from "../kit/message-of";
import { Name } from "../kit/name";
import { Segments, Switch } from "../kit/toggles";
import { FolderRules } from "./folder-rules";
import { NumberField } from "./number-field";
import { TimetableSettings } from "./timetable-settings";
import type { Kept } from "./use-settings";

const MEGA = 1_000_000;

interface Props {
  backend: Backend;
  settings: Settings;
  kept: Kept;
}

export function DownloadSettings({ backend, settings, kept }: Props) {
  const [problem, setProblem] = useState("");
  const failed = (error: unknown) => { setProblem(messageOf(error)); };
  const save = (change: Partial<Settings>) => {
    kept.save(change).then(() => { setProblem(""); }, failed);
  };
  const choose = () => {
    backend.chooseFolder().then((folder) => { if (folder) save({ folder }); }, failed);
  };
  return (
    <div className="grid grid-cols-[14rem_1fr] items-center gap-x-4 gap-y-2">
      <span>{t("set_folder")}</span>
      <span className="flex min-w-0 items-center gap-2">
        <Name name={settings.folder} className="text-dim" />
        <Button onClick={choose}>{t("choose")}</Button>
      </span>
      <NumberField name={t("set_concurrent")} value={settings.concurrent} least={1} most={64}
        save={(concurrent) => { save({ concurrent }); }} />
      <NumberField name={t("set_connections")} value={settings.connections} least={1} most={64}
        save={(connections) => { save({ connections }); }} />
      <NumberField name={t("set_limit")} hint={t("set_limitHint")} value={(settings.limit ?? 0) / MEGA}
        least={0} most={100_000} whole={false}
        save={(limit) => { save({ limit: limit === 0 ? null : Math.round(limit * MEGA) }); }} />
      <TimetableSettings table={settings.timetable} save={(timetable) => { save({ timetable }); }} />
      <FolderRules rules={settings.folders} choose={() => backend.chooseFolder()} save={(folders) => { save({ folders }); }} />
      <span>{t("set_urls")}</span>
      <span className="flex">
        <Segments label={t("set_urls")} value={settings.urls} choose={(urls) => { save({ urls }); }}
          choices={[{ value: "direct", name: t("urls_direct") }, { value: "server", name: t("urls_server") }]} />
      </span>
      <span>{t("set_sameName")}</span>
      <span className="flex">
        <Segments label={t("set_sameName")} value={settings.sameName} choose={(sameName) => { save({ sameName }); }}
          choices={[{ value: "number", name: t("sameName_number") }, { value: "ask", name: t("sameName_ask") }]} />
      </span>
      <label htmlFor="set-notify">{t("set_notify")}</label>
      <Switch id="set-notify" label={t("set_notify")} on={settings.notify} set={(notify) => { save({ notify }); }} />
      {problem && <p role="alert" className="col-span-2 text-bad">{problem}</p>}
    </div>
  );
}
