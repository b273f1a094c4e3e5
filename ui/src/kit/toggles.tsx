// What is on or off, picked or not, and one of a few.
import { Check } from "lucide-react";
import { Checkbox, Switch as RadixSwitch, ToggleGroup } from "radix-ui";

interface OnOff {
  id?: string;
  label: string;
  on: boolean;
  set: (on: boolean) => void;
  disabled?: boolean;
}

export function Pick({ label, on, set }: OnOff) {
  return (
    <Checkbox.Root aria-label={label} checked={on} onCheckedChange={(next) => { set(next === true); }}
      className="flex size-4 shrink-0 items-center justify-center rounded border border-dim
        data-[state=checked]:border-accent data-[state=checked]:bg-accent">
      <Checkbox.Indicator><Check aria-hidden size={12} className="text-page" /></Checkbox.Indicator>
    </Checkbox.Root>
  );
}

export function Switch({ id, label, on, set, disabled = false }: OnOff) {
  return (
    <RadixSwitch.Root id={id} aria-label={label} checked={on} onCheckedChange={set} disabled={disabled}
      className="disabled:opacity-50 h-5 w-9 shrink-0 rounded-full bg-dim p-0.5 transition-colors data-[state=checked]:bg-accent">
      <RadixSwitch.Thumb
        className="block size-4 rounded-full bg-page transition-transform data-[state=checked]:translate-x-4" />
    </RadixSwitch.Root>
  );
}

interface OneOf<Value extends string> {
  label: string;
  value: Value;
  choices: readonly { value: Value; name: string }[];
  choose: (value: Value) => void;
}

export function Segments<Value extends string>({ label, value, choices, choose }: OneOf<Value>) {
  return (
    <ToggleGroup.Root type="single" aria-label={label} value={value}
      onValueChange={(next) => { if (next) choose(next as Value); }} className="flex rounded-md border border-edge p-0.5">
      {choices.map((choice) => (
        <ToggleGroup.Item key={choice.value} value={choice.value}
          className="rounded px-2.5 py-0.5 text-dim data-[state=on]:chosen">
          {choice.name}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
