// One field that takes anything: ids and URLs, on one line or many. Enter starts.
import { type KeyboardEvent, type RefObject, useLayoutEffect, useRef } from "react";
import { t } from "../i18n/t";

interface Props {
  text: string;
  setText: (text: string) => void;
  start: () => void;
  testId: string;
  field?: RefObject<HTMLTextAreaElement | null>;
  /** What stands there is being added. */
  busy?: boolean;
}

const MOST_LINES = 6;

export function AddField({ text, setText, start, testId, field, busy = false }: Props) {
  // What comes behind the text from elsewhere must not take the caret along: the next letter would land in it.
  const caret = useRef<[number, number]>([0, 0]);
  const note = ({ currentTarget: { selectionStart, selectionEnd } }: { currentTarget: HTMLTextAreaElement }) => {
    caret.current = [selectionStart, selectionEnd];
  };
  useLayoutEffect(() => {
    const own = field?.current;
    if (own && own === document.activeElement) own.setSelectionRange(...caret.current);
  }, [field, text]);
  const onKeyDown = (event: KeyboardEvent) => {
    // While a word is composed, Enter ends the composing.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    if (!event.repeat) start();
  };
  return (
    <textarea ref={field} data-testid={testId} aria-label={t("addFiles")} placeholder={t("addHint")} title={t("addKeys")}
      spellCheck={false} rows={Math.min(MOST_LINES, text.split("\n").length)} value={text} onKeyDown={onKeyDown}
      readOnly={busy} onSelect={note}
      onChange={(event) => {
        note(event);
        setText(event.target.value);
      }} className="field h-auto min-h-9 flex-1 resize-none py-2" />
  );
}
