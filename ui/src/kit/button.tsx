// Buttons: with a word, or an icon with its word in a tooltip.
import type { LucideIcon } from "lucide-react";
import type { ComponentProps } from "react";
import { tip } from "./tooltip";

const SHAPE = "inline-flex h-7 items-center justify-center gap-1.5 rounded-md px-3 whitespace-nowrap disabled:opacity-50";
const TONES = {
  primary: "bg-accent font-medium text-page not-disabled:hover:brightness-110",
  plain: "border border-edge bg-page not-disabled:hover:bg-line",
  danger: "bg-bad font-medium text-page not-disabled:hover:brightness-110",
};

type ButtonProps = ComponentProps<"button"> & { tone?: keyof typeof TONES };

export function Button({ tone = "plain", className = "", ...rest }: ButtonProps) {
  return <button type="button" className={`${SHAPE} ${TONES[tone]} ${className}`} {...rest} />;
}

type IconProps = Omit<ComponentProps<"button">, "children"> & {
  name: string;
  icon: LucideIcon;
  /** Whether there is something behind it to be seen. */
  dot?: boolean;
};

/** `name` is the label, and the tooltip's text. */
export function IconButton({ name, icon: Icon, dot = false, className = "", ...rest }: IconProps) {
  return (
    <button type="button" aria-label={name} {...tip(name)} {...rest}
      className={`relative rounded-md p-1.5 text-dim hover:bg-line hover:text-ink aria-pressed:chosen disabled:opacity-40 ${className}`}>
      <Icon aria-hidden size={16} />
      {dot && <span aria-hidden className="absolute top-0.5 right-0.5 size-2 rounded-full bg-accent" />}
    </button>
  );
}
