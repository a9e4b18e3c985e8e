/** Words of the accounts of the books. */
import { useTranslations } from "use-intl";
import { ACCOUNT_KINDS, type AccountKind } from "./account-kinds.ts";

const PAYERS: readonly AccountKind[] = ["driver", "fleet", "token", "guest", "unassigned"];

/** `driver:3f0c…` in its parts; undefined: no account that we know of. */
export function accountParts(account: string): { kind: AccountKind; subject: string | null } | undefined {
  const colon = account.indexOf(":");
  const name = colon < 0 ? account : account.slice(0, colon);
  const kind = ACCOUNT_KINDS.find((known) => known === name);
  return kind === undefined ? undefined : { kind, subject: colon < 0 ? null : account.slice(colon + 1) };
}

/** Whoever may owe something, and has statements. */
export const isPayer = (account: string): boolean => {
  const kind = accountParts(account)?.kind;
  return kind !== undefined && PAYERS.includes(kind);
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-/;

export function useAccountName(): (account: string) => string {
  const t = useTranslations();
  return (account) => {
    const parts = accountParts(account);
    if (parts === undefined) return account;
    const { kind, subject } = parts;
    const name = t(`money.account.${kind}`);
    if (subject === null) return name;
    return `${name} ${UUID.test(subject) ? subject.slice(0, 8) : subject}`;
  };
}
