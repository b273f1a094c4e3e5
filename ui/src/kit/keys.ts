// How keys are written on this keyboard.
import { t } from "../i18n/t";

const APPLE = typeof navigator !== "undefined" && /mac/iu.test(navigator.userAgent);

/** A key that is pressed with Ctrl, or with ⌘ where the keyboard has that. */
export function chord(key: string, apple = APPLE): string {
  return apple ? `⌘${key}` : `${t("k_ctrl")} ${key}`;
}
