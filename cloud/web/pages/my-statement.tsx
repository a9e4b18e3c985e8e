/** A driver's statement: what was owed at the beginning, what came, what is owed at the end? */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { StatementLineView } from "../../api/money-schemas.ts";
import type { OwnStatement, OwnStatementDetail } from "../../api/own-schemas.ts";
import { BigNumber, Card, Empty, Section, Skeleton } from "../components/card.tsx";
import { DownloadButton } from "../components/download-button.tsx";
import { OwnHead, OwnPage, OwnProblem } from "../components/own-page.tsx";
import { StatementSums } from "../components/statement-sums.tsx";
import { When } from "../components/time.tsx";
import { call, pathOf } from "../lib/client.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMoney } from "../lib/money.ts";
import { useOwnLineKind } from "../lib/own-words.ts";
import { usePeriod } from "../lib/period.ts";

const route = getRouteApi("/my/statements/$statementId");

const upperFirst = (text: string) => text.charAt(0).toLocaleUpperCase() + text.slice(1);

export function MyStatementPage() {
  const t = useTranslations();
  const money = useMoney();
  const period = usePeriod();
  const { statementId } = route.useParams();
  const query = useQuery({
    queryKey: ["own", "statement", statementId],
    queryFn: ({ signal }) => call("getOwnStatement", { path: { statementId }, signal }),
  });
  if (query.isError && query.data === undefined)
    return <OwnProblem error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const { statement, lines, linesTruncated } = query.data as OwnStatementDetail;
  const { closingMinor, currency, number } = statement;
  const unit = closingMinor > 0 ? "owed" : closingMinor < 0 ? "credit" : "evenUnit";
  return (
    <OwnPage>
      <OwnHead
        title={upperFirst(period(statement.from, statement.to, statement.timeZone))}
        back={{ to: "/my/statements", text: t("own.statements.title") }}
      >
        <p className="text-ink-2">{t("own.statements.number", { number: String(number) })}</p>
        <p className="mt-3">
          <BigNumber
            value={money.amount(Math.abs(closingMinor), currency)}
            unit={t(`own.statements.${unit}`)}
            className="text-4xl"
          />
        </p>
        <div className="mt-4">
          <DownloadButton
            look="primary"
            className="w-full sm:w-auto"
            path={pathOf("getOwnStatementPdf", { statementId })}
            query={{ language: money.locale }}
            name={`${t("own.statements.file")}-${number}.pdf`}
          >
            {t("own.statements.pdf")}
          </DownloadButton>
        </div>
      </OwnHead>
      <StatementSums statement={statement} />
      <Section title={t("own.statements.lines")} className="mt-8">
        {lines.length === 0 ? (
          <Empty title={t("own.statements.noLines")} />
        ) : (
          <Card className="overflow-hidden">
            <ul className="divide-y divide-line">
              {lines.map((line) => (
                <Line key={line.reference} line={line} statement={statement} />
              ))}
            </ul>
          </Card>
        )}
        {linesTruncated && <p className="mt-2 text-sm text-ink-3">{t("own.statements.truncated")}</p>}
      </Section>
    </OwnPage>
  );
}

function Line({ line, statement }: { line: StatementLineView; statement: OwnStatement }) {
  const money = useMoney();
  const format = useFormat();
  const kind = useOwnLineKind();
  const { transactionId } = line;
  const name = kind(line.kind);
  return (
    <li className="lazy-row relative flex items-center gap-x-4 px-4 py-2.5 text-sm hover:bg-raised">
      <div className="min-w-0 flex-1">
        {transactionId === null ? (
          <p className="font-medium">{name}</p>
        ) : (
          <Link
            to="/my/charges/$transactionId"
            params={{ transactionId }}
            className="block font-medium -outline-offset-2 after:absolute after:inset-0"
          >
            {name}
          </Link>
        )}
        <p className="text-[0.8125rem] text-ink-3">
          <When at={line.startedAt ?? line.bookedAt} timeZone={statement.timeZone} ago={false} />
          {line.energyWh !== null && ` · ${format.energy(line.energyWh)}`}
        </p>
      </div>
      <span className="font-medium whitespace-nowrap">
        {money.amount(line.amountMinor, statement.currency)}
      </span>
    </li>
  );
}
