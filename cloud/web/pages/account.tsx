/** One's own account: name, password, second factor, passkeys, sessions. Of a key there is none. */
import { useTranslations } from "use-intl";
import { AccountName } from "../components/account-name.tsx";
import { AccountPasskeys } from "../components/account-passkeys.tsx";
import { AccountPassword } from "../components/account-password.tsx";
import { AccountSessions } from "../components/account-sessions.tsx";
import { AccountTotp } from "../components/account-totp.tsx";
import { Empty, Skeleton } from "../components/card.tsx";
import { PageHead } from "../components/page-head.tsx";
import { useMe } from "../lib/me.ts";

export function AccountPage() {
  const t = useTranslations();
  const me = useMe();
  return (
    <>
      <PageHead title={t("account.title")} />
      {me === undefined && <Skeleton className="h-96 w-full rounded-xl" />}
      {me?.person === null && <Empty title={t("account.isKey")}>{t("account.isKeyHint")}</Empty>}
      {me !== undefined && me.person !== null && (
        <div className="grid grid-cols-1 items-start gap-6 lg:grid-cols-2">
          <div className="space-y-6">
            <AccountName person={me.person} />
            <AccountPassword />
          </div>
          <div className="space-y-6">
            <AccountTotp person={me.person} />
            <AccountPasskeys />
          </div>
          <AccountSessions className="lg:col-span-2" />
        </div>
      )}
    </>
  );
}
