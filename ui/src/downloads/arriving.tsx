// The list before it is there: rows to come, or why there are none.
import type { Arrival } from "../backend/backend";
import { t } from "../i18n/t";
import { Failed, Skeleton } from "../kit/awaited";
import { type Density, HEIGHTS } from "./list";

interface Props {
  arrival: Exclude<Arrival, { stage: "there" }>;
  density: Density;
  retry: () => void;
}

export function Arriving({ arrival, density, retry }: Props) {
  if (arrival.stage === "failed") {
    return <Failed lead={t("listFailed")} error={arrival.error} retry={retry} className="m-auto" />;
  }
  return <Skeleton name={t("listLoading")} lines={8} height={HEIGHTS[density]} className="min-h-0 flex-1 overflow-hidden px-4 pt-7" />;
}
