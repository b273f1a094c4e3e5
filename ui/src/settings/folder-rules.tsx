// Where files of some kinds go instead of the usual folder.
import { X } from "lucide-react";
import { useState } from "react";
import type { FolderRule } from "../backend/generated/FolderRule";
import { t } from "../i18n/t";
import { Button, IconButton } from "../kit/button";
import { Name } from "../kit/name";

interface Props {
  rules: readonly FolderRule[];
  choose: () => Promise<string | null>;
  save: (rules: FolderRule[]) => void;
}

/** "zip, .RAR 7z" names three endings. */
export function endingsOf(text: string): string[] {
  const words = text.toLowerCase().split(/[\s,;]+/u).map((word) => word.replace(/^[*.]+/u, ""));
  return [...new Set(words.filter(Boolean))];
}

export function FolderRules({ rules, choose, save }: Props) {
  const [text, setText] = useState("");
  const endings = endingsOf(text);
  const add = () => {
    void choose().then((folder) => {
      if (!folder) return;
      save([...rules, { endings, folder }]);
      setText("");
    });
  };
  return (
    <>
      <span className="self-start pt-1">{t("set_rules")}</span>
      <div className="flex min-w-0 flex-col gap-1">
        {rules.map((rule, at) => (
          <div key={rule.endings.join(" ") + rule.folder} data-testid="folder-rule" className="flex min-w-0 items-center gap-2">
            <span className="shrink-0">{rule.endings.join(", ")}</span>
            <span aria-hidden>→</span>
            <Name name={rule.folder} className="text-dim" />
            <IconButton name={t("ruleRemove", { what: rule.endings.join(", ") })} icon={X}
              onClick={() => { save(rules.filter((_, other) => other !== at)); }} />
          </div>
        ))}
        <span className="flex items-center gap-2">
          <input data-testid="rule-endings" aria-label={t("ruleEndings")} placeholder="zip, rar, 7z" value={text}
            onChange={(event) => { setText(event.target.value); }} className="field w-40" />
          <Button disabled={endings.length === 0} onClick={add}>{t("ruleFolder")}</Button>
        </span>
      </div>
    </>
  );
}
