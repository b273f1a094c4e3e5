// Why, in the window's language; below it, what was said of it in English.
import type { Told } from "../i18n/refusals";

export function Reason({ told: { text, detail } }: { told: Told }) {
  return (
    <div>
      <p>{text}</p>
      {detail && <p lang="en" className="text-dim">{detail}</p>}
    </div>
  );
}
