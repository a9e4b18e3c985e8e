/** A command: how far has it come, and what did the station say to it? */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { CommandDetail, StationReport } from "../../api/station-schemas.ts";
import { Card, Empty, Fact, Section, Skeleton } from "../components/card.tsx";
import { CommandSteps } from "../components/command-steps.tsx";
import { isUnhappy } from "../components/command-list.tsx";
import { TONE_TEXT } from "../components/badge.tsx";
import { CopyButton } from "../components/copy.tsx";
import { BackToCommands } from "../components/back-to-commands.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { useStation } from "../components/station-context.tsx";
import { When } from "../components/time.tsx";
import { commandQuery } from "../lib/queries.ts";
import { COMMAND_LOOK, type CommandState } from "../lib/state.ts";
import { useCommandText } from "../lib/command-words.ts";
import { useCode } from "../lib/words.ts";

const route = getRouteApi("/stations/$stationId/commands/$commandId");

export function StationCommand() {
  const { commandId } = route.useParams();
  const query = useQuery(commandQuery(commandId));
  const command = query.data;
  return (
    <>
      <BackToCommands />
      {command === undefined ? (
        query.isError ? (
          <ProblemNote error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Skeleton className="h-96 w-full rounded-xl" />
        )
      ) : (
        <Detail command={command} />
      )}
    </>
  );
}

function Detail({ command }: { command: CommandDetail }) {
  const t = useTranslations();
  const text = useCommandText();
  const { timeZone } = useStation();
  const status = command.status as CommandState;
  return (
    <div className="grid grid-cols-1 items-start gap-8 lg:grid-cols-[22rem_minmax(0,1fr)]">
      <Card className="min-w-0 space-y-4 px-4 py-4 sm:px-5">
        <h2 className="text-lg font-semibold break-words">{text(command)}</h2>
        <CommandSteps {...{ command, timeZone }} />
        {isUnhappy(status) && (
          <p className={`text-sm ${TONE_TEXT[COMMAND_LOOK[status].tone]}`}>{t(`commandOutcome.${status}`)}</p>
        )}
        {command.reason !== null && <p className="text-sm break-words text-ink-2">{command.reason}</p>}
        <dl className="grid grid-cols-2 gap-x-4 gap-y-3 border-t border-line pt-4 text-sm">
          <Fact term={t("command.kind")}>{command.kind}</Fact>
          <Fact term={t("command.by")}>{command.issuedBy}</Fact>
          <Fact term={t("command.expires")}>
            <When at={command.expiresAt} timeZone={timeZone} ago={false} />
          </Fact>
        </dl>
        <p className="font-mono text-xs break-all text-ink-3">{command.commandId}</p>
      </Card>
      <div className="min-w-0 space-y-8">
        <Section title={t("command.asked")}>
          <Json value={command.params} label={t("command.asked")} />
        </Section>
        <Section title={t("command.answer")}>
          {command.response === null || command.response === undefined ? (
            <Empty title={t("command.noAnswer")}>{t("command.noAnswerHint")}</Empty>
          ) : (
            <Json value={command.response} label={t("command.answer")} />
          )}
        </Section>
        <Reports command={command} />
      </div>
    </div>
  );
}

/** What the station sent later because of it, as it comes. */
function Reports({ command }: { command: CommandDetail }) {
  const t = useTranslations();
  const { reports } = command;
  if (reports.length === 0) return null;
  return (
    <Section title={t("command.reports")} count={String(reports.length)}>
      <ol className="space-y-2">
        {reports.map((report, index) => (
          <li key={index}>
            <Report report={report} open={reports.length === 1} />
          </li>
        ))}
      </ol>
      {command.reportsTruncated && (
        <p className="mt-2 text-sm text-ink-3">{t("command.reportsCut", { count: reports.length })}</p>
      )}
    </Section>
  );
}

function Report({ report, open }: { report: StationReport; open: boolean }) {
  const t = useTranslations();
  const code = useCode();
  const { timeZone } = useStation();
  const { status } = (report.payload ?? {}) as { status?: unknown };
  return (
    <Card className="overflow-hidden">
      <details open={open}>
        <summary
          className="flex min-h-11 flex-wrap items-center gap-x-3 px-4 py-2 text-sm -outline-offset-2
            hover:bg-raised"
        >
          <span className="font-medium">{code("reportKind", report.of) ?? report.action}</span>
          {typeof status === "string" && <span>{status}</span>}
          {report.seqNo !== null && (
            <span className="text-ink-3">{t("command.part", { part: report.seqNo + 1 })}</span>
          )}
          <span className="ml-auto text-[0.8125rem] text-ink-3">
            <When at={report.at} timeZone={timeZone} />
          </span>
        </summary>
        <div className="border-t border-line p-3">
          <Json value={report.payload} label={report.action} />
        </div>
      </details>
    </Card>
  );
}

function Json({ value, label }: { value: unknown; label: string }) {
  const text = JSON.stringify(value, null, 2);
  return (
    <div className="relative">
      <pre
        className="max-h-[28rem] overflow-auto rounded-lg bg-raised p-3 font-mono text-[0.8125rem]"
        tabIndex={0}
        aria-label={label}
      >
        {text}
      </pre>
      <div className="absolute top-1 right-1">
        <CopyButton text={text} />
      </div>
    </div>
  );
}
