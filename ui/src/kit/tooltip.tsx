// A word on what has none: shown on hover and on focus, never the only place where it is said.
import { Tooltip } from "radix-ui";
import type { ReactNode } from "react";

export function Tips({ children }: { children: ReactNode }) {
  return <Tooltip.Provider delayDuration={500} skipDelayDuration={200}>{children}</Tooltip.Provider>;
}

interface TipProps {
  text: string;
  side?: "bottom" | "right";
  children: ReactNode;
}

export function Tip({ text, side = "bottom", children }: TipProps) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content side={side} sideOffset={4} collisionPadding={8}
          className="pointer-events-none z-50 max-w-64 rounded-md bg-ink px-2 py-1 text-[12px] text-page">
          {text}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
