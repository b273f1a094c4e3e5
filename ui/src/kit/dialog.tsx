// Dialogs: one to work in, one that asks before something is lost. Escape closes both, and the focus
// goes back to where it was.
import { X } from "lucide-react";
import { AlertDialog, Dialog as Radix } from "radix-ui";
import { type ReactNode, useState } from "react";
import { t } from "../i18n/t";
import { Button, IconButton } from "./button";

const SHADE = "fixed inset-0 z-40 bg-shade";
const SHEET = `fixed left-1/2 z-40 flex -translate-x-1/2 flex-col rounded-xl border border-line bg-page
  shadow-xl outline-none`;

interface DialogProps {
  title: string;
  close: () => void;
  children: ReactNode;
  /** Where the focus begins; the dialog itself where absent. */
  focus?: () => HTMLElement | null;
}

export function Dialog({ title, close, focus, children }: DialogProps) {
  // A dialog that a key opens has no button of its own to go back to.
  const [before] = useState(() => document.activeElement);
  const end = (event: Event) => {
    event.preventDefault();
    // What was done here may have put the focus elsewhere by now.
    if (document.activeElement === document.body && before instanceof HTMLElement) before.focus();
  };
  const begin = (event: Event) => {
    event.preventDefault();
    // Not the button that closes it, which is the first control.
    const sheet = event.target instanceof HTMLElement ? event.target : null;
    (focus?.() ?? sheet)?.focus();
  };
  // A field that is being changed takes Escape for itself, once.
  const stay = (event: KeyboardEvent) => {
    if (event.target instanceof Element && event.target.closest("[data-changed]")) event.preventDefault();
  };
  return (
    <Radix.Root open onOpenChange={(open) => { if (!open) close(); }}>
      <Radix.Portal>
        <Radix.Overlay className={SHADE} />
        <Radix.Content aria-describedby={undefined} onOpenAutoFocus={begin} onCloseAutoFocus={end} onEscapeKeyDown={stay}
          className={`${SHEET} top-[8vh] max-h-[84vh] w-[min(44rem,calc(100vw-2rem))]`}>
          <div className="flex shrink-0 items-center border-b border-line py-2 pr-2 pl-4">
            <Radix.Title className="flex-1 text-[15px] font-semibold">{title}</Radix.Title>
            <Radix.Close asChild><IconButton name={t("close")} icon={X} /></Radix.Close>
          </div>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ConfirmProps {
  title: string;
  /** What is lost. */
  text: string;
  /** What the button does. */
  verb: string;
  confirm: () => void;
  close: () => void;
  /** Takes the focus after it, where what opened it is gone. */
  refocus: () => void;
}

export function Confirm({ title, text, verb, confirm, close, refocus }: ConfirmProps) {
  return (
    <AlertDialog.Root open onOpenChange={(open) => { if (!open) close(); }}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className={SHADE} />
        <AlertDialog.Content data-testid="confirm"
          className={`${SHEET} top-[20vh] w-[min(26rem,calc(100vw-2rem))] gap-2 p-4`}
          onCloseAutoFocus={(event) => { event.preventDefault(); refocus(); }}>
          <AlertDialog.Title className="text-[15px] font-semibold wrap-anywhere">{title}</AlertDialog.Title>
          <AlertDialog.Description className="text-dim">{text}</AlertDialog.Description>
          <div className="mt-3 flex justify-end gap-2">
            <AlertDialog.Cancel asChild><Button>{t("keep")}</Button></AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button tone="danger" data-testid="confirm-yes" onClick={confirm}>{verb}</Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
