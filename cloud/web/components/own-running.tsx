/** A charge that runs, with numbers that move: what it costs so far, how much energy, how fast, since when. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { OwnTransaction } from "../../api/own-schemas.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMoney } from "../lib/money.ts";
import { CHARGE_LOOK, chargeState, OWN_STALE_MS, ownChargeQuery } from "../lib/own.ts";
import { Badge } from "./badge.tsx";
import { Card } from "./card.tsx";
import { usePlaceName } from "./own-page.tsx";
import { Since, StaleNote } from "./time.tsx";

export function RunningCard({ transaction: told }: { transaction: OwnTransaction }) {
  const t = useTranslations();
  const placeName = usePlaceName();
  const { transactionId } = told;
  const detail = useQuery(ownChargeQuery(transactionId)).data;
  const transaction = (detail?.transaction ?? told) as OwnTransaction;
  const state = chargeState(transaction);
  return (
    <Card className="relative p-5 hover:border-line-strong">
      <div className="flex flex-wrap items-start justify-between gap-x-3 gap-y-1">
        <div className="min-w-0">
          <Link
            to="/my/charges/$transactionId"
            params={{ transactionId }}
            className="text-lg font-semibold break-words -outline-offset-2 after:absolute after:inset-0"
          >
            {transaction.siteName}
          </Link>
          <p className="text-ink-2">{placeName(transaction)}</p>
        </div>
        <Badge {...CHARGE_LOOK[state]}>{t(`own.state.${state}`)}</Badge>
      </div>
      <RunningNumbers transaction={transaction} price={detail?.price} />
    </Card>
  );
}

type Price = { totalMinor: number; currency: string } | null;
type NumbersProps = {
  transaction: OwnTransaction;
  /** null: no tariff holds; undefined: not known yet. */
  price: Price | undefined;
};

export function RunningNumbers({ transaction, price }: NumbersProps) {
  const t = useTranslations();
  const format = useFormat();
  const money = useMoney();
  const { powerW, energyWh, socPercent, startedAt, heardAt, timeZone } = transaction;
  const facts = [
    { name: "power", value: format.power(powerW) },
    { name: "energy", value: format.energy(energyWh) },
    { name: "time", value: <Since at={startedAt} /> },
    ...(socPercent === null ? [] : [{ name: "battery" as const, value: format.percent(socPercent) }]),
  ] as const;
  return (
    <>
      <p className="mt-4 first:mt-0">
        <span className="block text-sm text-ink-3">{t("own.soFar")}</span>
        <span className="text-4xl font-semibold tracking-tight whitespace-nowrap">
          {price === undefined || price === null ? "—" : money.amount(price.totalMinor, price.currency)}
        </span>
        {price === null && <span className="ml-2 text-sm text-ink-2">{t("own.noTariff")}</span>}
      </p>
      <dl
        className={`mt-4 grid gap-x-4 gap-y-3 ${facts.length === 4 ? "grid-cols-2 sm:grid-cols-4" : "grid-cols-3"}`}
      >
        {facts.map(({ name, value }) => (
          <div key={name}>
            <dt className="text-[0.8125rem] text-ink-3">{t(`own.fact.${name}`)}</dt>
            <dd className="text-lg font-medium whitespace-nowrap">{value}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-1 empty:hidden">
        <StaleNote at={heardAt ?? startedAt} maxAgeMs={OWN_STALE_MS} timeZone={timeZone} />
      </p>
    </>
  );
}
