// One field that takes anything: ids and URLs, on one line or many. Enter starts.
import type { KeyboardEvent, RefObject } from "react";
import { t } from "../i18n/t";

interface Props {
  text: string;
  setText: (text: string) => void;
  start: () => void;
  testId: string;
  field?: RefObject<HTMLTextAreaElement | null>;
}

const MOST_LINES = 6;

export function AddField({ text, setText, start, testId, field }: Props) {
  const onKeyDown = (event: KeyboardEvent) => {
    // While a word is composed, Enter ends the composing.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    start();
  };
  return (
    <textarea ref={field} data-testid={testId} aria-label={t("addFiles")} placeholder={t("addHint")} title={t("addKeys")}
      spellCheck={false} rows={Math.min(MOST_LINES, text.split("\n").length)} value={text} onKeyDown={onKeyDown}
      onChange={(event) => { setText(event.target.value); }} className="field h-auto min-h-9 flex-1 resize-none py-2" />
  );
}
