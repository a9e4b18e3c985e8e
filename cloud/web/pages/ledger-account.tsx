/** An account: what is its balance, and from what? Postings with all their entries. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { LedgerPostingView } from "../../api/money-schemas.ts";
import { BigNumber, Empty, Section } from "../components/card.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { LinkButton } from "../components/link-button.tsx";
import { PageHead } from "../components/page-head.tsx";
import { PostingRow } from "../components/posting-list.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import type { AccountKind } from "../lib/account-kinds.ts";
import { accountParts, isPayer, useAccountName } from "../lib/money-words.ts";
import { useMoney } from "../lib/money.ts";
import { Meaning } from "./ledger.tsx";

const route = getRouteApi("/ledger/$account");
const PAGE = 50;

export function LedgerAccountPage() {
  const t = useTranslations();
  const money = useMoney();
  const { account } = route.useParams();
  const name = useAccountName()(account);
  const parts = accountParts(account);
  const found = useQuery({
    queryKey: ["ledger", "accounts", "one", account],
    queryFn: ({ signal }) => call("listLedgerAccounts", { query: { account }, signal }),
  });
  const feed = useFeed<LedgerPostingView>({
    queryKey: ["ledger", "postings", account],
    fetchPage: (cursor, signal) =>
      call("listLedgerPostings", { query: { account, limit: PAGE, cursor }, signal }),
    idOf: ({ postingId }) => postingId,
  });
  const balances = found.data?.items.find((one) => one.account === account)?.balances ?? [];
  return (
    <>
      <PageHead title={name}>
        <p className="mt-1 text-sm">
          <Link to="/ledger" className="rounded text-accent hover:underline">
            {t("money.ledger.toAll")}
          </Link>
        </p>
        <code className="font-mono text-xs break-all text-ink-3">{account}</code>
        {found.isError && <ProblemNote error={found.error} />}
        <div className="mt-3 flex flex-wrap items-baseline gap-x-8 gap-y-1">
          {balances.map(({ currency, amountMinor }) => (
            <p key={currency}>
              <BigNumber value={money.amount(amountMinor, currency)} unit="" className="text-4xl" />{" "}
              <Meaning kind={(parts?.kind ?? "revenue") as AccountKind} amountMinor={amountMinor} />
            </p>
          ))}
          {found.isSuccess && balances.length === 0 && (
            <p className="text-ink-2">{t("money.ledger.unused")}</p>
          )}
        </div>
        {isPayer(account) && (
          <div className="mt-4 flex flex-wrap gap-2">
            <LinkButton small to="/cdrs" search={{ payer: account }}>
              {t("money.ledger.toCdrs")}
            </LinkButton>
            <LinkButton small to="/statements" search={{ account }}>
              {t("money.ledger.toStatements")}
            </LinkButton>
            {parts?.kind !== "guest" && (
              <LinkButton small to="/payments" search={{ account }}>
                {t("money.ledger.toPayments")}
              </LinkButton>
            )}
            {parts?.kind === "driver" && parts.subject !== null && (
              <LinkButton small to="/drivers/$driverId" params={{ driverId: parts.subject }}>
                {t("money.ledger.toDriver")}
              </LinkButton>
            )}
          </div>
        )}
      </PageHead>
      <Section title={t("money.postingsHere")}>
        <FeedList
          feed={feed}
          empty={<Empty title={t("money.ledger.noPostings")} />}
          row={(posting) => <PostingRow key={posting.postingId} posting={posting} />}
        />
      </Section>
    </>
  );
}
