// Every action of the window by its name, with its key: typed, found, done.
import { Command } from "cmdk";
import { useRef } from "react";
import { t } from "../i18n/t";
import { Dialog } from "../kit/dialog";
import { deedsOf, type Doings } from "./deeds";

export function Palette({ can, close }: { can: Doings; close: () => void }) {
  const deeds = deedsOf(can);
  const field = useRef<HTMLInputElement>(null);
  const parts = [...new Set(deeds.map((deed) => deed.part))];
  return (
    <Dialog title={t("palette")} close={close} focus={() => field.current}>
      <Command label={t("palette")} loop className="flex min-h-0 flex-col p-2">
        <Command.Input ref={field} data-testid="palette-field" placeholder={t("paletteHint")} className="field h-9 shrink-0" />
        <Command.List label={t("palette")} className="mt-2 min-h-0 overflow-auto">
          <Command.Empty className="p-2 text-dim">{t("paletteNone")}</Command.Empty>
          {parts.map((part) => (
            <Command.Group key={part} heading={part} className="text-dim [&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1">
              {deeds.filter((deed) => deed.part === part).map(({ id, name, icon: Icon, keys, run }) => (
                <Command.Item key={id} value={`${name} ${id}`} data-testid={`deed-${id}`}
                  onSelect={() => { close(); run(); }}
                  className="flex h-8 items-center gap-2 rounded-md px-2 text-ink data-[selected=true]:chosen">
                  <Icon aria-hidden size={16} className="shrink-0 text-dim" />
                  <span className="min-w-0 flex-1 truncate">{name}</span>
                  {keys && <kbd className="font-[inherit] text-dim">{keys}</kbd>}
                </Command.Item>
              ))}
            </Command.Group>
          ))}
        </Command.List>
      </Command>
    </Dialog>
  );
}
