// New versions of the app: where they come from, whether they are looked for, and the one that was found.
import type { System } from "../backend/backend";
import type { UpdateView } from "../backend/generated/UpdateView";
import { t } from "../i18n/t";
import { Button } from "../kit/button";
import { bytes, when } from "../kit/format";
import { Switch } from "../kit/toggles";

interface Props {
  system: System;
  view: UpdateView;
  looks: boolean;
  setLooks: (on: boolean) => void;
  failed: (error: unknown) => void;
}

export function UpdateSettings({ system, view, looks, setLooks, failed }: Props) {
  if (view.fault) return <p role="alert" className="text-bad wrap-anywhere">{t("updates_fault", { why: view.fault })}</p>;
  if (!view.source) return <span className="text-dim">{t("updates_none")}</span>;
  const { stage, found } = view;
  const rests = stage.stage === "idle";
  return (
    <div className="flex min-w-0 flex-col gap-2" data-testid="updates">
      <span className="flex items-center gap-2">
        <Switch id="set-updates" label={t("set_updatesDaily")} on={looks} set={setLooks} />
        <label htmlFor="set-updates">{t("set_updatesDaily")}</label>
      </span>
      <span className="flex min-w-0 flex-wrap items-center gap-2">
        {stage.stage === "installed"
          ? <Button tone="primary" data-testid="restart" onClick={() => { system.restart().catch(failed); }}>{t("updates_restart")}</Button>
          : found && view.installs && (
            <Button tone="primary" data-testid="install-update" disabled={!rests}
              onClick={() => { system.installUpdate().catch(failed); }}>
              {t("updates_install", { version: found.version })}
            </Button>
          )}
        {stage.stage === "fetching" && (
          <Button data-testid="cancel-update" onClick={() => { system.cancelUpdate().catch(failed); }}>{t("cancel")}</Button>
        )}
        {stage.stage !== "installed" && (
          <Button data-testid="look-for-updates" disabled={!rests} onClick={() => { system.lookForUpdates().catch(failed); }}>
            {t("updates_look")}
          </Button>
        )}
        <span role="status" data-testid="update-state" className="min-w-0 text-dim">{stateOf(view)}</span>
      </span>
      {view.error && <p role="alert" data-testid="update-error" className="text-bad wrap-anywhere">{t("updates_failed", { why: view.error })}</p>}
      {found?.notes && (
        <p className="max-h-32 overflow-auto rounded-md border border-line p-2 whitespace-pre-wrap wrap-anywhere text-dim select-text" tabIndex={0}>
          {found.notes}
        </p>
      )}
    </div>
  );
}

function stateOf({ stage, found, installs, lookedAt }: UpdateView): string {
  switch (stage.stage) {
    case "looking": return t("updates_looking");
    case "fetching": {
      const { received, total } = stage;
      return t("updates_fetching", { part: total ? t("percent", { percent: Math.floor((100 * received) / total) }) : bytes(received) });
    }
    case "installing": return t("updates_installing");
    case "installed": return t("updates_installed", { version: found?.version ?? "" });
    case "idle":
      if (found) return installs ? "" : t("updates_byHand", { version: found.version });
      return lookedAt ? t("updates_newest", { when: when(lookedAt) }) : "";
  }
}
