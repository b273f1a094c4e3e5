// One field for the access token that a server asks for.
import { useState } from "react";
import { t } from "../i18n/t";
import { Button } from "./button";

export function SignIn({ signIn }: { signIn: (token: string) => void }) {
  const [token, setToken] = useState("");
  return (
    <form className="flex items-center gap-2" onSubmit={(event) => { event.preventDefault(); signIn(token.trim()); }}>
      <input data-testid="token-field" type="password" autoComplete="current-password" aria-label={t("token")}
        placeholder={t("token")} value={token} onChange={(event) => { setToken(event.target.value); }}
        className="field w-64 max-md:w-40" />
      <Button type="submit" tone="primary" data-testid="sign-in" disabled={!token.trim()}>{t("signIn")}</Button>
    </form>
  );
}
