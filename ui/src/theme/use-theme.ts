// Light, dark, or as the system has it.
import { useEffect } from "react";
import { useRemembered } from "../kit/remembered";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export function useTheme() {
  const [theme, setTheme] = useRemembered<Theme>("theme", THEMES);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return [theme, setTheme] as const;
}
