// One field for the access token that a server asks for.
import { useState } from "react";
import { t } from "../i18n/t";

export function SignIn({ signIn }: { signIn: (token: string) => void }) {
  const [token, setToken] = useState("");
  return (
    <form className="flex items-center gap-2" onSubmit={(event) => { event.preventDefault(); signIn(token.trim()); }}>
      <input data-testid="token-field" type="password" autoComplete="current-password" aria-label={t("token")} placeholder={t("token")} value={token}
        onChange={(event) => { setToken(event.target.value); }} className="w-64 rounded border border-line bg-page px-2 py-0.5" />
      <button type="submit" data-testid="sign-in" disabled={!token.trim()} className="rounded bg-accent px-2 py-0.5 text-page disabled:opacity-50">{t("signIn")}</button>
    </form>
  );
}
