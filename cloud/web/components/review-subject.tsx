/** What a piece of work is about: a transaction, a command, or part of an ER's journal. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { Review, ReviewJournal } from "../../api/review-schemas.ts";
import type { CommandView, Transaction } from "../../api/schemas.ts";
import { MISSING, prettyJson } from "../lib/format.ts";
import { useFormat } from "../lib/i18n.ts";
import { useCommandText } from "../lib/command-words.ts";
import { Card, Fact } from "./card.tsx";
import { When } from "./time.tsx";

/** One line of it, in a list. */
export function ReviewLine({ review }: { review: Review }) {
  const t = useTranslations();
  const format = useFormat();
  const text = useCommandText();
  const { transaction, command, journal, stationId, erId } = review;
  const parts =
    transaction !== null
      ? [
          stationId ?? transaction.stationId,
          transaction.evseId > 0 && t("common.evse", { evse: String(transaction.evseId) }),
          transaction.energyWh !== null && format.energy(transaction.energyWh),
          transaction.idToken ?? t("transactions.noToken"),
        ]
      : command !== null
        ? [stationId ?? command.stationId, text(command)]
        : [erId, journal !== null && journal.entries !== null && t("er.entries", { count: journal.entries })];
  return <p className="text-sm break-words text-ink-2">{parts.filter(Boolean).join(" · ")}</p>;
}

type At = { timeZone: string | undefined };

/** Everything that helps to decide. */
export function ReviewSubject({ review, timeZone }: { review: Review } & At) {
  const { transaction, command, journal } = review;
  if (transaction !== null) return <OfTransaction {...{ transaction, timeZone }} />;
  if (command !== null) return <OfCommand {...{ command, timeZone }} />;
  return journal === null ? null : <OfJournal journal={journal} erId={review.erId} />;
}

const ACCENT = "rounded font-medium text-accent hover:underline";

function Facts({ children, after }: { children: ReactNode; after?: ReactNode }) {
  return (
    <Card className="px-4 py-3 text-sm">
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3 sm:grid-cols-3">{children}</dl>
      {after}
    </Card>
  );
}

/** @param evseId 0: not known, or the station as a whole. */
function StationFact({ stationId, evseId }: { stationId: string; evseId: number }) {
  const t = useTranslations();
  return (
    <Fact term={t("transactions.station")}>
      <Link to="/stations/$stationId" params={{ stationId }} className={ACCENT}>
        {stationId}
      </Link>
      {evseId > 0 && ` · ${t("common.evse", { evse: String(evseId) })}`}
    </Fact>
  );
}

export function OfTransaction({ transaction, timeZone }: { transaction: Transaction } & At) {
  const t = useTranslations();
  const format = useFormat();
  const { transactionId, startedAt, endedAt, meterStopOtherWh } = transaction;
  return (
    <Facts
      after={
        <Link
          to="/transactions/$transactionId"
          params={{ transactionId }}
          className={`mt-3 inline-block ${ACCENT}`}
        >
          {t("station.openTransaction")}
        </Link>
      }
    >
      <StationFact stationId={transaction.stationId} evseId={transaction.evseId} />
      <Fact term={t("transaction.started")}>
        <When at={startedAt} timeZone={timeZone} ago={false} />
      </Fact>
      <Fact term={t("transaction.ended")}>
        {endedAt === null ? MISSING : <When at={endedAt} timeZone={timeZone} ago={false} />}
      </Fact>
      <Fact term={t("transactions.energy")}>
        <span className="font-medium">{format.energy(transaction.energyWh)}</span>
      </Fact>
      <Fact term={t("transaction.meterStart")}>{format.energy(transaction.meterStartWh)}</Fact>
      <Fact term={t("transaction.meterStop")}>
        {format.energy(transaction.meterStopWh)}
        {meterStopOtherWh !== null && (
          <span className="block text-amber">
            {t("transaction.meterStopOther", { energy: format.energy(meterStopOtherWh) })}
          </span>
        )}
      </Fact>
      <Fact term={t("transactions.token")}>
        <span className="font-mono text-[0.8125rem]">{transaction.idToken ?? t("transactions.noToken")}</span>
      </Fact>
      <Fact term={t("transaction.ocppId")}>
        <span className="font-mono text-[0.8125rem]">{transaction.ocppTransactionId ?? MISSING}</span>
      </Fact>
      <Fact term={t("review.times")}>{t(`timeQuality.${transaction.timeQuality}`)}</Fact>
    </Facts>
  );
}

function OfCommand({ command, timeZone }: { command: CommandView } & At) {
  const t = useTranslations();
  const text = useCommandText();
  return (
    <Facts>
      <StationFact stationId={command.stationId} evseId={0} />
      <Fact term={t("review.command")}>{text(command)}</Fact>
      <Fact term={t("review.issued")}>
        <When at={command.issuedAt} timeZone={timeZone} ago={false} />
      </Fact>
      <Fact term={t("review.issuedBy")}>{command.issuedBy}</Fact>
      <Fact term={t("review.sent")}>
        {command.sentAt === null ? MISSING : <When at={command.sentAt} timeZone={timeZone} ago={false} />}
      </Fact>
      <Fact term={t("review.reason")}>
        {command.reason === null ? MISSING : <span lang="en">{command.reason}</span>}
      </Fact>
    </Facts>
  );
}

function OfJournal({ journal, erId }: { journal: ReviewJournal; erId: string }) {
  const t = useTranslations();
  const format = useFormat();
  const { firstSeq, lastSeq, entries, reason, file, entry } = journal;
  return (
    <Facts
      after={
        entry !== null && (
          <pre
            className="mt-3 max-h-80 overflow-auto rounded-lg bg-raised p-3 font-mono text-[0.8125rem]"
            tabIndex={0}
          >
            {prettyJson(entry)}
          </pre>
        )
      }
    >
      <Fact term={t("site.erTitle")}>
        <Link to="/ers/$erId" params={{ erId }} className={ACCENT}>
          {erId}
        </Link>
      </Fact>
      {firstSeq !== null && (
        <Fact term={t("review.entries")}>
          {lastSeq === null || lastSeq === firstSeq
            ? format.count(firstSeq)
            : t("review.range", { first: format.count(firstSeq), last: format.count(lastSeq) })}
        </Fact>
      )}
      {entries !== null && <Fact term={t("review.count")}>{format.count(entries)}</Fact>}
      {file !== null && (
        <Fact term={t("review.file")}>
          <code className="font-mono text-[0.8125rem] break-all">{file}</code>
        </Fact>
      )}
      {reason !== null && (
        <Fact term={t("review.reason")}>
          <span lang="en">{reason}</span>
        </Fact>
      )}
    </Facts>
  );
}
