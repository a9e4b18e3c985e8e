/** A connector on its station's page: its state, its running transaction, what can be done to it. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { Connector, TransactionDetail } from "../../api/schemas.ts";
import { connectorName } from "../lib/attention.ts";
import { useFormat } from "../lib/i18n.ts";
import { transactionQuery } from "../lib/queries.ts";
import { BigNumber, Card, Fact } from "./card.tsx";
import { ChartSkeleton } from "./chart.tsx";
import type { Question } from "./command-dialogs.tsx";
import { Icon } from "./icon.tsx";
import { MayButton } from "./may.tsx";
import { ProblemNote } from "./problem.tsx";
import { ConnectorBadge } from "./station-card.tsx";
import { Ago, Since, StaleNote } from "./time.tsx";
import { TransactionChart } from "./transaction-chart.tsx";

/** Stations report every minute at the slowest that is usual: older than this is old. */
const SAMPLE_AGE_MAX_MS = 150_000;
const CHART_PX = 150;

type Props = {
  connector: Connector;
  online: boolean;
  timeZone: string | undefined;
  onAsk: (question: Question) => void;
};

export function ConnectorCard({ connector, online, timeZone, onAsk }: Props) {
  const t = useTranslations();
  const { evseId, connectorId, transactionId, statusAt } = connector;
  const startable = transactionId === null && !["Faulted", "Unavailable"].includes(connector.status);
  return (
    <Card className="px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h3 className="font-semibold">{t("station.connector", { connector: connectorName(connector) })}</h3>
        <ConnectorBadge connector={connector} online={online} />
        {statusAt !== null && (
          <span className="text-[0.8125rem] text-ink-3">
            <Ago at={statusAt} timeZone={timeZone} />
          </span>
        )}
        <Link
          to="/stickers/$stationId/$evseId"
          params={{ stationId: connector.stationId, evseId: String(evseId) }}
          className="rounded text-[0.8125rem] text-accent hover:underline"
        >
          {t("station.sticker")}
        </Link>
        <div className="ml-auto flex gap-1.5 max-sm:w-full">
          {startable && (
            <MayButton
              needs="commands:send"
              small
              icon="play"
              className="max-sm:flex-1"
              onClick={() => onAsk({ kind: "start", evseId })}
            >
              {t("action.start")}
            </MayButton>
          )}
          {transactionId !== null && (
            <MayButton
              needs="commands:send"
              small
              icon="stop"
              className="max-sm:flex-1"
              onClick={() => onAsk({ kind: "stop", transactionId, evseId })}
            >
              {t("action.stop")}
            </MayButton>
          )}
          <MayButton
            needs="commands:support"
            small
            look="ghost"
            icon="unlock"
            className="max-sm:flex-1"
            onClick={() => onAsk({ kind: "unlock", evseId, connectorId })}
          >
            {t("action.unlock")}
          </MayButton>
        </div>
      </div>
      {transactionId !== null && <Running transactionId={transactionId} timeZone={timeZone} />}
    </Card>
  );
}

function Running({ transactionId, timeZone }: { transactionId: string; timeZone: string | undefined }) {
  const query = useQuery(transactionQuery(transactionId));
  if (query.isError && query.data === undefined) return <ProblemNote error={query.error} />;
  if (query.data === undefined) return <ChartSkeleton height={CHART_PX + 68} />;
  return <RunningDetail detail={query.data} timeZone={timeZone} />;
}

function RunningDetail({ detail, timeZone }: { detail: TransactionDetail; timeZone: string | undefined }) {
  const t = useTranslations();
  const format = useFormat();
  const { transaction, samples } = detail;
  const { transactionId } = transaction;
  return (
    <div className="mt-3">
      <div className="mb-2 flex flex-wrap items-end gap-x-8 gap-y-2">
        <BigNumber {...format.powerOf(transaction.powerW)} />
        <dl className="flex flex-wrap gap-x-6 text-sm">
          <Fact term={t("transactions.energy")}>{format.energy(transaction.energyWh)}</Fact>
          <Fact term={t("transactions.duration")}>
            <Since at={transaction.startedAt} />
          </Fact>
          {transaction.socPercent !== null && (
            <Fact term={t("transactions.soc")}>{format.percent(transaction.socPercent)}</Fact>
          )}
          <Fact term={t("transactions.token")}>
            <span className="font-mono text-[0.8125rem]">
              {transaction.idToken ?? t("transactions.noToken")}
            </span>
          </Fact>
        </dl>
        <StaleNote
          at={samples.at(-1)?.at ?? transaction.startedAt}
          maxAgeMs={SAMPLE_AGE_MAX_MS}
          timeZone={timeZone}
        />
      </div>
      <TransactionChart detail={detail} height={CHART_PX} timeZone={timeZone} energy={false} />
      <Link
        to="/transactions/$transactionId"
        params={{ transactionId }}
        className="mt-1 inline-flex items-center gap-1 rounded text-sm text-accent hover:underline"
      >
        {t("station.openTransaction")} <Icon name="chevron" className="size-3" />
      </Link>
    </div>
  );
}
