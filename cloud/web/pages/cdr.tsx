/** A CDR: how does this amount come to be? Line by line, from what it was made, and what took its place. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { CdrView } from "../../api/money-schemas.ts";
import { AccountLink } from "../components/account-link.tsx";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Badge } from "../components/badge.tsx";
import { BigNumber, Card, Fact, Section, Skeleton } from "../components/card.tsx";
import { DownloadButton } from "../components/download-button.tsx";
import { Segmented, TextArea, TextField } from "../components/field.tsx";
import { Icon } from "../components/icon.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { PostingList } from "../components/posting-list.tsx";
import { PriceLines } from "../components/price-lines.tsx";
import { ProblemPage } from "../components/problem.tsx";
import { When } from "../components/time.tsx";
import { PriceFlags } from "../components/transaction-cost.tsx";
import { newId } from "../lib/api.ts";
import { call, pathOf } from "../lib/client.ts";
import { MISSING } from "../lib/format.ts";
import { useFormat } from "../lib/i18n.ts";
import { readDecimal, readMinor, useMoney } from "../lib/money.ts";

const route = getRouteApi("/cdrs/$cdrId");

export function CdrPage() {
  const t = useTranslations();
  const { cdrId } = route.useParams();
  const query = useQuery({
    queryKey: ["cdrs", "one", cdrId],
    queryFn: ({ signal }) => call("getCdr", { path: { cdrId }, signal }),
  });
  const postings = useQuery({
    queryKey: ["ledger", "of-cdr", cdrId],
    queryFn: ({ signal }) => call("listLedgerPostings", { query: { cdrId, limit: 50 }, signal }),
  });
  if (query.isError && query.data === undefined)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const cdr = query.data as CdrView;
  return (
    <>
      <Head cdr={cdr} />
      <div className="grid items-start gap-8 md:grid-cols-2">
        <Section title={t("money.lines")}>
          <Card className="px-4 py-3 sm:px-5">
            <PriceLines price={cdr} tax={cdr.tax} />
            <PriceFlags flags={cdr.flags} />
            <p className="mt-3 border-t border-line pt-3 text-[0.8125rem] text-ink-3">
              {t("money.arithmetic")}
            </p>
          </Card>
        </Section>
        <Made cdr={cdr} />
      </div>
      <Section title={t("money.postings")} className="mt-8">
        <PostingList postings={postings.data?.items ?? []} empty={t("money.noPostings")} />
      </Section>
    </>
  );
}

function Head({ cdr }: { cdr: CdrView }) {
  const t = useTranslations();
  const money = useMoney();
  const [correcting, setCorrecting] = useState(false);
  const corrected = cdr.status === "corrected";
  return (
    <PageHead
      title={t("money.cdrNumber", { number: String(cdr.number) })}
      badge={
        <Badge tone={corrected ? "quiet" : "accent"} icon={corrected ? "restart" : "check"}>
          {t(corrected ? "money.cdrs.corrected" : "money.cdrs.standing")}
        </Badge>
      }
    >
      <p className="mt-2">
        <BigNumber value={money.amount(cdr.totalMinor, cdr.currency)} unit="" className="text-4xl" />
      </p>
      <p className="mt-1 text-ink-2">
        <Link
          to="/transactions/$transactionId"
          params={{ transactionId: cdr.transactionId }}
          className="rounded font-medium text-accent hover:underline"
        >
          {t("money.toTransaction")}
        </Link>{" "}
        · {cdr.stationId} · <When at={cdr.startedAt} timeZone={cdr.timeZone} ago={false} />
      </p>
      <Chain cdr={cdr} />
      <div className="mt-4 flex flex-wrap gap-2">
        <DownloadButton
          path={pathOf("getCdrReceipt", { cdrId: cdr.cdrId })}
          query={{ language: money.locale }}
          name={`${t("money.receiptFile")}-${cdr.number}.pdf`}
        >
          {t("money.receipt")}
        </DownloadButton>
        {!corrected && (
          <MayButton needs="money:write" onClick={() => setCorrecting(true)}>
            {t("money.correct")}
          </MayButton>
        )}
      </div>
      {correcting && <CorrectDialog cdr={cdr} onClose={() => setCorrecting(false)} />}
    </PageHead>
  );
}

/** What it has corrected, and what has corrected it. */
function Chain({ cdr }: { cdr: CdrView }) {
  const t = useTranslations();
  const links = [
    ...(cdr.correctedBy === null ? [] : [{ cdrId: cdr.correctedBy, words: t("money.correctedBy") }]),
    ...(cdr.corrects === null ? [] : [{ cdrId: cdr.corrects, words: t("money.corrects") }]),
  ];
  if (links.length === 0 && cdr.reason === null) return null;
  return (
    <div className="mt-3 max-w-prose rounded-xl border border-line bg-surface px-4 py-2.5 text-sm">
      {cdr.reason !== null && (
        <p>
          <span className="font-medium">{t(`money.cause.${cdr.cause}`)}:</span> {cdr.reason}
        </p>
      )}
      {links.map(({ cdrId, words }) => (
        <p key={cdrId}>
          <Link to="/cdrs/$cdrId" params={{ cdrId }} className="rounded text-accent hover:underline">
            {words}
          </Link>
        </p>
      ))}
    </div>
  );
}

/** From what it was made. */
function Made({ cdr }: { cdr: CdrView }) {
  const t = useTranslations();
  const format = useFormat();
  const doubt = cdr.timeQuality === "estimated" || cdr.energyQuality !== "registers";
  return (
    <Section title={t("money.madeFrom")}>
      <Card className="px-4 py-3 sm:px-5">
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3 text-sm">
          <Fact term={t("transaction.started")}>
            <When at={cdr.startedAt} timeZone={cdr.timeZone} ago={false} />
          </Fact>
          <Fact term={t("transaction.ended")}>
            <When at={cdr.endedAt} timeZone={cdr.timeZone} ago={false} />
          </Fact>
          <Fact term={t("transaction.meterStart")}>{format.energy(cdr.meterStartWh)}</Fact>
          <Fact term={t("transaction.meterStop")}>{format.energy(cdr.meterStopWh)}</Fact>
          <Fact term={t("transactions.energy")}>
            <span className="font-medium">{format.energy(cdr.energyWh)}</span>
          </Fact>
          <Fact term={t("transactions.token")}>
            <span className="font-mono text-[0.8125rem]">{cdr.idToken ?? MISSING}</span>
          </Fact>
          <Fact term={t("money.payer")}>
            <AccountLink account={cdr.payer} className="text-accent" />
          </Fact>
          <Fact term={t("tariffs.tariff")}>
            {cdr.tariffId === null ? (
              MISSING
            ) : (
              <Link
                to="/tariffs/$tariffId"
                params={{ tariffId: cdr.tariffId }}
                className="rounded text-accent hover:underline"
              >
                {t("tariffs.version", { version: String(cdr.tariffVersion) })}
              </Link>
            )}
          </Fact>
          <Fact term={t("money.made")}>
            <When at={cdr.createdAt} ago={false} />
            <span className="block text-[0.8125rem] text-ink-3">
              {t(`money.cause.${cdr.cause}`)} · {cdr.createdBy}
            </span>
          </Fact>
        </dl>
        <div className={`mt-3 space-y-1 border-t border-line pt-3 text-sm ${doubt ? "" : "text-ink-2"}`}>
          <p className="flex gap-2">
            <Icon name="meter" className="mt-0.5 size-4 text-ink-3" />
            {t(`money.energyQuality.${cdr.energyQuality}`)}
          </p>
          <p className="flex gap-2">
            <Icon name="clock" className="mt-0.5 size-4 text-ink-3" />
            {t(`timeQuality.${cdr.timeQuality}`)}
          </p>
        </div>
      </Card>
    </Section>
  );
}

type What = "price" | "energy";

function CorrectDialog({ cdr, onClose }: { cdr: CdrView; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const money = useMoney();
  const navigate = route.useNavigate();
  const [what, setWhat] = useState<What>("price");
  const [value, setValue] = useState("");
  const [reason, setReason] = useState("");
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const read = what === "price" ? readMinor(value, cdr.currency) : readDecimal(value, 3);
  const valid = read !== undefined && read >= 0;
  return (
    <AskDialog
      title={t("money.correctTitle", { number: String(cdr.number) })}
      action={t("money.correct")}
      onClose={onClose}
      onAct={async () => {
        if (!valid) throw new Error(t("money.valueProblem"));
        const amount = what === "price" ? { totalMinor: read } : { energyWh: read };
        const body = { reason: reason.trim(), ...amount };
        const made = await call("correctCdr", { path: { cdrId: cdr.cdrId }, body, idempotencyKey }).catch(
          (error: unknown) => {
            // A changed form is another request.
            setIdempotencyKey(newId());
            throw error;
          },
        );
        await client.invalidateQueries({ queryKey: ["cdrs"] });
        await client.invalidateQueries({ queryKey: ["ledger"] });
        await client.invalidateQueries({ queryKey: ["transaction", cdr.transactionId] });
        await navigate({ to: "/cdrs/$cdrId", params: { cdrId: made.cdrId } });
      }}
    >
      <p className="text-sm text-ink-2">{t("money.correctHint")}</p>
      <Segmented
        legend={t("money.correctWhat")}
        value={what}
        onChange={(next) => {
          setWhat(next);
          setValue("");
        }}
        choices={[
          { value: "price", label: t("money.correctPrice") },
          { value: "energy", label: t("money.correctEnergy") },
        ]}
      />
      <TextField
        label={what === "price" ? t("money.newTotal", { currency: cdr.currency }) : t("money.newEnergy")}
        hint={
          what === "price"
            ? t("money.before", { value: money.amount(cdr.totalMinor, cdr.currency) })
            : t("money.before", { value: `${cdr.energyWh / 1_000} kWh` })
        }
        inputMode="decimal"
        required
        autoComplete="off"
        value={value}
        error={value !== "" && !valid ? t("money.valueProblem") : undefined}
        onChange={(event) => setValue(event.target.value)}
      />
      <TextArea
        label={t("money.reason")}
        hint={t("money.reasonHint")}
        required
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
    </AskDialog>
  );
}
