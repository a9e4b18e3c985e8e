/** Transactions in rows: a table where there is room, cards on a phone. */
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { Site, Transaction } from "../../api/schemas.ts";
import { MISSING } from "../lib/format.ts";
import { useFormat } from "../lib/i18n.ts";
import { TRANSACTION_LOOK, transactionState } from "../lib/state.ts";
import { Badge } from "./badge.tsx";
import { Card } from "./card.tsx";
import { Since, When } from "./time.tsx";

type Place = Pick<Site, "timeZone" | "erOnline">;
type Props = { transactions: readonly Transaction[]; siteOf: (siteId: string) => Place | undefined };

const GRID =
  "md:grid md:grid-cols-[8rem_minmax(9rem,1.2fr)_minmax(6rem,1fr)_5rem_7rem] md:items-center md:gap-4";

export function TransactionList({ transactions, siteOf }: Props) {
  const t = useTranslations();
  return (
    <Card className="overflow-hidden">
      <div
        className={`hidden border-b border-line px-4 py-2 text-[0.8125rem] text-ink-3 ${GRID}`}
        aria-hidden="true"
      >
        <span>{t("transactions.state")}</span>
        <span>{t("transactions.where")}</span>
        <span>{t("transactions.token")}</span>
        <span className="text-right">{t("transactions.power")}</span>
        <span className="text-right">{t("transactions.energy")}</span>
      </div>
      <ul className="divide-y divide-line">
        {transactions.map((transaction) => (
          <Row key={transaction.transactionId} transaction={transaction} site={siteOf(transaction.siteId)} />
        ))}
      </ul>
    </Card>
  );
}

function Row({ transaction, site }: { transaction: Transaction; site: Place | undefined }) {
  const t = useTranslations();
  const format = useFormat();
  const { transactionId, stationId, evseId, startedAt, endedAt } = transaction;
  const state = transactionState(transaction);
  // Behind an ER that cannot be heard, a running transaction is what it was last known to be.
  const old = site?.erOnline === false && transaction.status === "active";
  return (
    <li
      className={`lazy-row relative flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 hover:bg-raised
        ${GRID}`}
    >
      <span className="max-md:order-2 max-md:ml-auto">
        <Badge {...TRANSACTION_LOOK[state]} old={old}>
          {t(`transactionState.${state}`)}
        </Badge>
      </span>
      <span className="min-w-0 max-md:order-1">
        <Link
          to="/transactions/$transactionId"
          params={{ transactionId }}
          className="block truncate font-medium -outline-offset-2 after:absolute after:inset-0"
        >
          {stationId}{" "}
          {evseId > 0 && (
            <span className="font-normal text-ink-3">· {t("common.evse", { evse: String(evseId) })}</span>
          )}
        </Link>
        <span className="block truncate text-[0.8125rem] text-ink-3">
          <When at={startedAt} timeZone={site?.timeZone} ago={false} />
        </span>
      </span>
      <span
        className="truncate font-mono text-[0.8125rem] text-ink-2 max-md:order-4 max-md:w-full
        max-md:hidden"
      >
        {transaction.idToken ?? t("transactions.noToken")}
      </span>
      <span className={`text-right max-md:hidden ${old ? "text-ink-3" : ""}`}>
        {transaction.status === "active" ? format.power(transaction.powerW) : ""}
      </span>
      <span
        className="text-right max-md:order-3 max-md:flex max-md:w-full max-md:items-baseline
        max-md:justify-between"
      >
        <span className="font-medium">{format.energy(transaction.energyWh)}</span>
        <span className="block text-[0.8125rem] text-ink-3">
          {transaction.status === "active" ? (
            <Since at={startedAt} />
          ) : endedAt === null ? (
            MISSING
          ) : (
            format.duration(Date.parse(endedAt) - Date.parse(startedAt))
          )}
        </span>
      </span>
    </li>
  );
}
