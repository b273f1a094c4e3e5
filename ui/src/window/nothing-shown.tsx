// A group or a search that shows nothing says so, and leads back.
import { t } from "../i18n/t";
import { Button } from "../kit/button";

export function NothingShown({ query, showAll }: { query: string; showAll: () => void }) {
  const wanted = query.trim();
  return (
    <div role="status" className="m-auto flex flex-col items-center gap-3 p-6 text-dim">
      <p className="text-center text-[15px] wrap-anywhere">
        {wanted ? t("nothingFound", { query: wanted }) : t("nothingThere")}
      </p>
      <Button onClick={showAll}>{t("showAll")}</Button>
    </div>
  );
}
