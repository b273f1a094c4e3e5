// Menus: at the pointer, or below a button; both look the same. None is modal to Radix, which would hide
// the page from screen readers while its rows still take the focus; the pointer is kept off the page here.
import { Check, type LucideIcon } from "lucide-react";
import { ContextMenu, DropdownMenu } from "radix-ui";
import type { MouseEvent, ReactNode } from "react";

const SHEET = "z-50 min-w-48 rounded-lg border border-line bg-page p-1 shadow-lg";
const LINE = "flex h-7 cursor-default items-center gap-2 rounded-md px-2 -outline-offset-2 data-[highlighted]:bg-line";

export interface MenuEntry {
  id: string;
  name: string;
  icon: LucideIcon;
  /** The key that does the same, as it is written on it, if there is one. */
  keys: string;
  /** Something is lost by it. */
  danger: boolean;
  run: () => void;
}

function Line({ name, icon: Icon, keys }: MenuEntry) {
  return (
    <>
      <Icon aria-hidden size={16} className="shrink-0" />
      <span className="flex-1">{name}</span>
      {keys && <span aria-hidden className="pl-6 text-dim">{keys}</span>}
    </>
  );
}

const toneOf = ({ danger }: MenuEntry) => `${LINE} ${danger ? "text-bad" : ""}`;

/** A click beside a menu closes it, and does nothing else. */
function Beside() {
  const ignore = (event: MouseEvent) => {
    event.preventDefault();
    event.stopPropagation();
  };
  return <div aria-hidden className="fixed inset-0 z-40" onContextMenu={ignore} />;
}

interface ContextProps {
  /** What the menu lists, as it opens. */
  entries: readonly MenuEntry[];
  name: string;
  /** The focus after it. */
  refocus: () => void;
  children: ReactNode;
}

export function Context({ entries, name, refocus, children }: ContextProps) {
  return (
    <ContextMenu.Root modal={false}>
      <ContextMenu.Trigger asChild>{children}</ContextMenu.Trigger>
      <ContextMenu.Portal>
        <div>
          <Beside />
          <ContextMenu.Content aria-label={name} collisionPadding={8} className={SHEET}
            onCloseAutoFocus={(event) => {
              event.preventDefault();
              // A dialog that it opened has the focus by now.
              if (document.activeElement === document.body) refocus();
            }}>
            {entries.map((entry) => (
              <ContextMenu.Item key={entry.id} data-testid={`menu-action-${entry.id}`} onSelect={entry.run}
                className={toneOf(entry)}>
                <Line {...entry} />
              </ContextMenu.Item>
            ))}
          </ContextMenu.Content>
        </div>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
}

interface ChecksProps<Value extends string> {
  label: string;
  checks: readonly { value: Value; name: string; on: boolean }[];
  set: (value: Value, on: boolean) => void;
  /** Where the menu comes up. */
  children: ReactNode;
}

/** A menu at the pointer in which each is on or off; it stays while they are changed. */
export function Checks<Value extends string>({ label, checks, set, children }: ChecksProps<Value>) {
  return (
    <ContextMenu.Root modal={false}>
      <ContextMenu.Trigger asChild onContextMenu={(event) => { event.stopPropagation(); }}>{children}</ContextMenu.Trigger>
      <ContextMenu.Portal>
        <div>
          <Beside />
          <ContextMenu.Content aria-label={label} collisionPadding={8} className={SHEET}>
            <ContextMenu.Label className="px-2 py-1 text-dim">{label}</ContextMenu.Label>
            {checks.map((check) => (
              <ContextMenu.CheckboxItem key={check.value} checked={check.on} className={LINE}
                onSelect={(event) => { event.preventDefault(); }}
                onCheckedChange={(on) => { set(check.value, on); }}>
                <span className="size-[16px]">
                  <ContextMenu.ItemIndicator><Check aria-hidden size={16} /></ContextMenu.ItemIndicator>
                </span>
                {check.name}
              </ContextMenu.CheckboxItem>
            ))}
          </ContextMenu.Content>
        </div>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
}

interface ChoiceProps<Value extends string> {
  /** The button that opens it. */
  button: ReactNode;
  label: string;
  value: Value;
  choices: readonly { value: Value; name: string }[];
  choose: (value: Value) => void;
}

/** A menu of which one is chosen. */
export function Choice<Value extends string>({ button, label, value, choices, choose }: ChoiceProps<Value>) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{button}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <div>
          <Beside />
          <DropdownMenu.Content align="end" sideOffset={4} collisionPadding={8} className={SHEET}>
            <DropdownMenu.Label className="px-2 py-1 text-dim">{label}</DropdownMenu.Label>
            <DropdownMenu.RadioGroup value={value} onValueChange={(next) => { choose(next as Value); }}>
              {choices.map((choice) => (
                <DropdownMenu.RadioItem key={choice.value} value={choice.value} className={LINE}>
                  <span className="size-[16px]">
                    <DropdownMenu.ItemIndicator><Check aria-hidden size={16} /></DropdownMenu.ItemIndicator>
                  </span>
                  {choice.name}
                </DropdownMenu.RadioItem>
              ))}
            </DropdownMenu.RadioGroup>
          </DropdownMenu.Content>
        </div>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
