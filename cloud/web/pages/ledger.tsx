/** The ledger: who owes what, and where is the money? Accounts with their balances. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { LedgerAccountView } from "../../api/money-schemas.ts";
import { Empty } from "../components/card.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { SelectField } from "../components/field.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { PostingDialog } from "../components/posting-dialog.tsx";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import { ACCOUNT_KINDS, type AccountKind } from "../lib/account-kinds.ts";
import { useAccountName } from "../lib/money-words.ts";
import { useMoney } from "../lib/money.ts";

const route = getRouteApi("/ledger");
const PAGE = 100;

export function LedgerPage() {
  const t = useTranslations();
  const money = useMoney();
  const { kind } = route.useSearch();
  const navigate = useNavigate();
  const [posting, setPosting] = useState(false);
  const revenue = useQuery({
    queryKey: ["ledger", "accounts", "revenue"],
    queryFn: ({ signal }) => call("listLedgerAccounts", { query: { kind: "revenue" }, signal }),
  });
  const feed = useFeed<LedgerAccountView>({
    queryKey: ["ledger", "accounts", "list", kind ?? ""],
    fetchPage: (cursor, signal) =>
      call("listLedgerAccounts", { query: { kind, limit: PAGE, cursor }, signal }),
    idOf: ({ account }) => account,
  });
  const earned = revenue.data?.items[0]?.balances ?? [];
  return (
    <>
      <PageHead title={t("money.ledger.title")}>
        <p className="mt-1 max-w-prose text-ink-2">
          {earned.length > 0
            ? t("money.ledger.answer", {
                amount: earned.map((one) => money.amount(-one.amountMinor, one.currency)).join(" + "),
              })
            : t("money.ledger.intro")}
        </p>
      </PageHead>
      <div className="mb-4 flex flex-wrap items-center gap-3">
        <SelectField
          label={t("money.ledger.kind")}
          hideLabel
          className="w-56"
          value={kind ?? ""}
          onChange={(event) =>
            void navigate({
              to: "/ledger",
              search: { kind: ACCOUNT_KINDS.find((one) => one === event.target.value) },
            })
          }
        >
          <option value="">{t("money.ledger.all")}</option>
          {ACCOUNT_KINDS.map((one) => (
            <option key={one} value={one}>
              {t(`money.accountKind.${one}`)}
            </option>
          ))}
        </SelectField>
        <MayButton needs="money:write" icon="plus" className="sm:ml-auto" onClick={() => setPosting(true)}>
          {t("money.post")}
        </MayButton>
      </div>
      <FeedList
        feed={feed}
        empty={<Empty title={t("money.ledger.none")}>{t("money.ledger.noneHint")}</Empty>}
        row={(account) => <Row key={account.account} account={account} />}
      />
      {posting && <PostingDialog onClose={() => setPosting(false)} />}
    </>
  );
}

function Row({ account }: { account: LedgerAccountView }) {
  const money = useMoney();
  const name = useAccountName();
  return (
    <li className="lazy-row relative flex flex-wrap items-center gap-x-4 px-4 py-2.5 hover:bg-raised">
      <div className="min-w-0 flex-1 basis-48">
        <Link
          to="/ledger/$account"
          params={{ account: account.account }}
          className="font-medium break-words -outline-offset-2 after:absolute after:inset-0"
        >
          {name(account.account)}
        </Link>
      </div>
      <div className="text-right">
        {account.balances.map(({ currency, amountMinor }) => (
          <p key={currency} className="font-medium">
            {money.amount(amountMinor, currency)}{" "}
            <Meaning kind={account.kind as AccountKind} amountMinor={amountMinor} />
          </p>
        ))}
      </div>
    </li>
  );
}

const PAYS: ReadonlySet<AccountKind> = new Set(["driver", "fleet", "token", "guest", "unassigned"]);

/** What the sign of a balance says of an account of this kind. */
export function Meaning({ kind, amountMinor }: { kind: AccountKind; amountMinor: number }) {
  const t = useTranslations();
  if (amountMinor === 0) return <Words>{t("money.even")}</Words>;
  if (!PAYS.has(kind)) return null;
  return <Words>{t(amountMinor > 0 ? "money.owes" : "money.hasCredit")}</Words>;
}

const Words = ({ children }: { children: string }) => (
  <span className="ml-1 text-[0.8125rem] font-normal text-ink-3">{children}</span>
);
