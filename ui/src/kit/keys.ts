// How keys are written on this keyboard: the one place that knows it.
import { t } from "../i18n/t";

const APPLE = typeof navigator !== "undefined" && /mac/iu.test(navigator.userAgent);

/** Keys that a keyboard of Apple's has by a sign of its own. */
const SIGNS = {
  k_space: "", k_enter: "↩", k_delete: "⌫", k_shiftDelete: "⇧⌫", k_altHome: "⌥↖", k_altEnd: "⌥↘",
} as const;

/** A key, or a few that are pressed together. */
export function keyName(key: keyof typeof SIGNS, apple = APPLE): string {
  return (apple && SIGNS[key]) || t(key);
}

/** A key that is pressed with Ctrl, or with ⌘ where the keyboard has that. */
export function chord(key: string, apple = APPLE): string {
  return apple ? `⌘${key}` : `${t("k_ctrl")} ${key}`;
}
