// What can be set, with immediate effect.
import type { Backend } from "../backend/backend";
import type { UpdateView } from "../backend/generated/UpdateView";
import type { Density } from "../downloads/list";
import { LANGUAGES, t } from "../i18n/t";
import { keep, keptAs } from "../kit/remembered";
import { type Theme, THEMES } from "../theme/use-theme";
import { Failed, Skeleton } from "../kit/awaited";
import { Dialog } from "../kit/dialog";
import { Segments } from "../kit/toggles";
import { DownloadSettings } from "./download-settings";
import { ServerSettings } from "./server-settings";
import { SystemSettings } from "./system-settings";
import { useSettings } from "./use-settings";

interface Props {
  backend: Backend;
  updates: UpdateView | null;
  density: Density;
  setDensity: (density: Density) => void;
  theme: Theme;
  setTheme: (theme: Theme) => void;
  close: () => void;
}

export function SettingsDialog({ backend, updates, density, setDensity, theme, setTheme, close }: Props) {
  const kept = useSettings(backend);
  const { loaded, error } = kept;
  return (
    <Dialog title={t("settings")} close={close}>
      {!loaded && (error === null
        ? <Skeleton name={t("settingsLoading")} lines={10} height={36} className="p-4" />
        : <Failed lead={t("settingsFailed")} error={error} retry={kept.reload} />)}
      {loaded && <div className="flex flex-col gap-5 overflow-auto p-4">
        <section aria-label={t("set_downloads")}>
          <h3 className="mb-2 font-semibold">{t("set_downloads")}</h3>
          {backend.absent.settings
            ? <p className="text-dim">{backend.absent.settings}</p>
            : loaded.settings && <DownloadSettings backend={backend} settings={loaded.settings} kept={kept} />}
        </section>
        {backend.servers && <ServerSettings backend={backend} servers={backend.servers} />}
        <section aria-label={t("set_window")}>
          <h3 className="mb-2 font-semibold">{t("set_window")}</h3>
          <div className="grid grid-cols-[14rem_1fr] items-center gap-x-4 gap-y-2">
            <label htmlFor="set-language">{t("set_language")}</label>
            <span className="flex">
              <select id="set-language" defaultValue={String(keptAs("language") ?? "system")} className="field"
                onChange={(event) => {
                  // Every word and figure is made anew.
                  void keep("language", event.target.value).then(() => { location.reload(); });
                }}>
                <option value="system">{t("language_system")}</option>
                {Object.entries(LANGUAGES).map(([tag, { name }]) => <option key={tag} value={tag}>{name}</option>)}
              </select>
            </span>
            <span>{t("set_theme")}</span>
            <span className="flex">
              <Segments label={t("set_theme")} value={theme} choose={setTheme}
                choices={THEMES.map((value) => ({ value, name: t(`theme_${value}`) }))} />
            </span>
            <span>{t("set_density")}</span>
            <span className="flex">
              <Segments label={t("set_density")} value={density} choose={setDensity}
                choices={[{ value: "comfortable", name: t("comfortable") }, { value: "compact", name: t("compact") }]} />
            </span>
          </div>
        </section>
        {backend.system && loaded.settings && loaded.here && (
          <SystemSettings system={backend.system} settings={loaded.settings} here={loaded.here} kept={kept} updates={updates} />
        )}
      </div>}
    </Dialog>
  );
}
