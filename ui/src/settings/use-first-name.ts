// What to call the server that the app was started with.
import { useEffect, useState } from "react";
import type { Backend } from "../backend/backend";
import { t } from "../i18n/t";

export function useFirstName({ system }: Backend): string {
  const [name, setName] = useState(t("srv_inside"));
  useEffect(() => {
    let current = true;
    system?.about().then(({ embedded, server }) => {
      if (current && !embedded) setName(URL.canParse(server) ? new URL(server).host : server);
    }, () => undefined);
    return () => { current = false; };
  }, [system]);
  return name;
}
