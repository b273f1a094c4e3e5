// What concerns this computer: the tray, the start, the list as a file, and what a report of a fault needs.
import { useState } from "react";
import type { System } from "../backend/backend";
import type { Settings } from "../backend/generated/Settings";
import type { UpdateView } from "../backend/generated/UpdateView";
import { t } from "../i18n/t";
import { Button } from "../kit/button";
import { messageOf } from "../kit/message-of";
import { Switch } from "../kit/toggles";
import { UpdateSettings } from "./update-settings";
import type { Here, Kept } from "./use-settings";

interface Props {
  system: System;
  settings: Settings;
  here: Here;
  kept: Kept;
  updates: UpdateView | null;
}

export function SystemSettings({ system, settings, here, kept, updates }: Props) {
  const [said, setSaid] = useState("");
  const failed = (error: unknown) => { setSaid(messageOf(error)); };
  const { about, autostart } = here;
  const save = (change: Partial<Settings>) => { kept.save(change).catch(failed); };
  const begin = (on: boolean) => { kept.setAutostart(on).catch(failed); };
  const exportList = () => {
    system.exportList().then((path) => { if (path) setSaid(t("exported", { path })); }, failed);
  };
  const importList = () => {
    system.importList().then((done) => {
      if (!done) return;
      // Settings were in the file too.
      kept.reload();
      const [names, folders] = [done.serversLeftOut.join(", "), done.foldersLeftOut.join(", ")];
      setSaid([
        t("imported", { added: done.added, left: done.leftOut }),
        ...(names ? [t("importedWithout", { names })] : []),
        ...(folders ? [t("importedElsewhere", { folders })] : []),
      ].join(" "));
    }, failed);
  };
  const copy = () => {
    system.copyDiagnostics().then(() => { setSaid(t("copied")); }, failed);
  };
  return (
    <section aria-label={t("set_system")}>
      <h3 className="mb-2 font-semibold">{t("set_system")}</h3>
      <div className="grid grid-cols-[14rem_minmax(0,1fr)] items-center gap-x-4 gap-y-2">
        <label htmlFor="set-tray">{t("set_tray")}</label>
        <span className="flex items-center gap-2">
          <Switch id="set-tray" label={t("set_tray")} on={about.tray && settings.closeToTray} set={(closeToTray) => { save({ closeToTray }); }}
            disabled={!about.tray} />
          {!about.tray && <span className="text-dim">{t("noTray")}</span>}
        </span>
        <label htmlFor="set-start">{t("set_autostart")}</label>
        <Switch id="set-start" label={t("set_autostart")} on={autostart === true} set={begin}
          disabled={autostart === null} />
        <label htmlFor="set-awake">{t("set_awake")}</label>
        <Switch id="set-awake" label={t("set_awake")} on={settings.keepAwake} set={(keepAwake) => { save({ keepAwake }); }} />
        <label htmlFor="set-clipboard">{t("set_clipboard")}</label>
        <Switch id="set-clipboard" label={t("set_clipboard")} on={settings.watchClipboard}
          set={(watchClipboard) => { save({ watchClipboard }); }} />
        <span>{t("set_carry")}</span>
        <span className="flex flex-wrap gap-2">
          <Button data-testid="export-list" onClick={exportList}>{t("exportList")}</Button>
          <Button data-testid="import-list" onClick={importList}>{t("importList")}</Button>
        </span>
        {updates && (
          <>
            <span className="self-start">{t("set_updates")}</span>
            <UpdateSettings system={system} view={updates} looks={settings.lookForUpdates}
              setLooks={(lookForUpdates) => { save({ lookForUpdates }); }} failed={failed} />
          </>
        )}
        <span>{t("set_about")}</span>
        <span className="truncate text-dim select-text" title={about.dataDir}>{about.version} · {about.dataDir}</span>
        <span>{t("set_fault")}</span>
        <span className="flex flex-wrap gap-2">
          <Button data-testid="diagnostics" onClick={copy}>{t("copyDiagnostics")}</Button>
          <Button data-testid="open-logs" onClick={() => { system.openLogs().catch(failed); }}>{t("openLogs")}</Button>
        </span>
      </div>
      <p role="status" className="mt-2 min-h-[1.4em] wrap-anywhere text-dim">{said}</p>
    </section>
  );
}
