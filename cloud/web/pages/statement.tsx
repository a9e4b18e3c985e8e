/** A statement: what was owed at the beginning, what came, what is owed at the end? */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { StatementLineView, StatementView } from "../../api/money-schemas.ts";
import { AccountLink } from "../components/account-link.tsx";
import { BigNumber, Card, Empty, Section, Skeleton } from "../components/card.tsx";
import { DownloadButton } from "../components/download-button.tsx";
import { PageHead } from "../components/page-head.tsx";
import { usePostingKind } from "../components/posting-list.tsx";
import { ProblemPage } from "../components/problem.tsx";
import { StatementSums } from "../components/statement-sums.tsx";
import { When } from "../components/time.tsx";
import { call, pathOf } from "../lib/client.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMoney } from "../lib/money.ts";
import { usePeriod } from "../lib/period.ts";

const route = getRouteApi("/statements/$statementId");

export function StatementPage() {
  const t = useTranslations();
  const money = useMoney();
  const format = useFormat();
  const period = usePeriod();
  const { statementId } = route.useParams();
  const query = useQuery({
    queryKey: ["statements", "one", statementId],
    queryFn: ({ signal }) => call("getStatement", { path: { statementId }, signal }),
  });
  if (query.isError && query.data === undefined)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const { statement, lines, linesTruncated } = query.data;
  return (
    <>
      <PageHead
        title={period(statement.from, statement.to, statement.timeZone)}
        timeZone={statement.timeZone}
      >
        <p className="mt-1 text-ink-2">
          <AccountLink account={statement.account} className="font-medium text-accent" /> ·{" "}
          {t("money.statements.number", { number: String(statement.number) })} ·{" "}
          <Link
            to="/statements"
            className="rounded text-accent underline decoration-line-strong underline-offset-2"
          >
            {t("money.statements.toAll")}
          </Link>
        </p>
        <p className="mt-3">
          <BigNumber
            value={money.amount(statement.closingMinor, statement.currency)}
            unit={t(
              statement.closingMinor > 0
                ? "money.toPay"
                : statement.closingMinor < 0
                  ? "money.credit"
                  : "money.even",
            )}
            className="text-4xl"
          />
        </p>
        <p className="mt-1 text-ink-2">
          {t("money.statements.answer", {
            ...{ count: statement.cdrCount, energy: format.energy(statement.energyWh) },
          })}
        </p>
        <div className="mt-4">
          <DownloadButton
            path={pathOf("getStatementPdf", { statementId })}
            query={{ language: money.locale }}
            name={`${t("money.statements.file")}-${statement.number}.pdf`}
          >
            {t("money.statements.pdf")}
          </DownloadButton>
        </div>
      </PageHead>
      <StatementSums statement={statement} />
      <Section title={t("money.statements.lines")} className="mt-8">
        {lines.length === 0 ? (
          <Empty title={t("money.statements.noLines")} />
        ) : (
          <Card className="overflow-hidden">
            <ul className="divide-y divide-line">
              {lines.map((line) => (
                <Line key={line.reference} line={line} statement={statement} />
              ))}
            </ul>
          </Card>
        )}
        {linesTruncated && <p className="mt-2 text-sm text-ink-3">{t("money.statements.truncated")}</p>}
      </Section>
    </>
  );
}

function Line({ line, statement }: { line: StatementLineView; statement: StatementView }) {
  const t = useTranslations();
  const money = useMoney();
  const format = useFormat();
  const kind = usePostingKind();
  const details = [line.stationId, line.energyWh !== null && format.energy(line.energyWh), line.note].filter(
    Boolean,
  );
  return (
    <li className="lazy-row flex flex-wrap items-baseline gap-x-4 px-4 py-2 text-sm">
      <div className="min-w-0 flex-1 basis-56">
        <p>
          {kind(line.kind)}
          {line.cdrId !== null && line.cdrNumber !== null && (
            <Link
              to="/cdrs/$cdrId"
              params={{ cdrId: line.cdrId }}
              className="ml-2 rounded text-accent hover:underline"
            >
              {t("money.cdrNumber", { number: String(line.cdrNumber) })}
            </Link>
          )}
        </p>
        <p className="text-[0.8125rem] text-ink-3">
          <When at={line.startedAt ?? line.bookedAt} timeZone={statement.timeZone} ago={false} />
          {details.length > 0 && ` · ${details.join(" · ")}`}
        </p>
      </div>
      <span className="font-medium">{money.amount(line.amountMinor, statement.currency)}</span>
    </li>
  );
}
