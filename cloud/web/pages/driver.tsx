/** A driver: who is this, with what do they charge, and what do they owe? */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Driver } from "../../api/driver-schemas.ts";
import type { IdTokenView } from "../../api/rule-schemas.ts";
import type { Transaction } from "../../api/schemas.ts";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Badge } from "../components/badge.tsx";
import { BigNumber, Card, Empty, Fact, Section, Skeleton } from "../components/card.tsx";
import { DownloadButton } from "../components/download-button.tsx";
import { DriverForm } from "../components/driver-form.tsx";
import { DriverSignIn } from "../components/driver-invite.tsx";
import { AskToPay } from "../components/driver-pay.tsx";
import { CheckField, TextField } from "../components/field.tsx";
import { Icon } from "../components/icon.tsx";
import { LinkButton } from "../components/link-button.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemPage } from "../components/problem.tsx";
import { When } from "../components/time.tsx";
import { TransactionList } from "../components/transaction-list.tsx";
import { newId } from "../lib/api.ts";
import { call, callWithEtag, pathOf } from "../lib/client.ts";
import { DRIVER_LOOK, ERASURE_WORDS } from "../lib/drivers.ts";
import { MISSING } from "../lib/format.ts";
import { useMay } from "../lib/me.ts";
import { useMoney } from "../lib/money.ts";
import { sitesQuery } from "../lib/queries.ts";

const route = getRouteApi("/drivers/$driverId");

export function DriverPage() {
  const t = useTranslations();
  const { driverId } = route.useParams();
  const sites = useQuery(sitesQuery());
  const query = useQuery({
    queryKey: ["drivers", "one", driverId],
    queryFn: ({ signal }) => callWithEtag("getDriver", { path: { driverId }, signal }),
  });
  if (query.isError && query.data === undefined)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const { answer: driver, etag } = query.data;
  const transactions = driver.transactions as Transaction[];
  const byId = new Map(sites.data?.items.map((site) => [site.siteId, site]));
  return (
    <>
      <Head driver={driver} etag={etag} />
      <div className="grid items-start gap-8 md:grid-cols-2">
        <Facts driver={driver} />
        <Tokens driver={driver} tokens={driver.idTokens as IdTokenView[]} />
      </div>
      <Section title={t("drivers.transactions")} className="mt-8">
        {transactions.length === 0 ? (
          <Empty title={t("drivers.noTransactions")} />
        ) : (
          <TransactionList transactions={transactions} siteOf={(id) => byId.get(id)} />
        )}
      </Section>
      <Privacy driver={driver} />
    </>
  );
}

function Head({ driver, etag }: { driver: Driver; etag: string }) {
  const t = useTranslations();
  const client = useQueryClient();
  const may = useMay();
  const [open, setOpen] = useState<"edit" | "block" | null>(null);
  const { driverId, status } = driver;
  const blocked = status === "blocked";
  const name = driver.name ?? t("drivers.noName");
  return (
    <PageHead title={name} badge={<Badge {...DRIVER_LOOK[status]}>{t(`drivers.state.${status}`)}</Badge>}>
      {may("money:read") && <Owes driverId={driverId} />}
      <p className="mt-1 text-sm">
        <Link to="/drivers" className="rounded text-accent hover:underline">
          {t("drivers.toAll")}
        </Link>
      </p>
      {status !== "erased" && (
        <div className="mt-4 flex flex-wrap gap-2">
          <MayButton needs="drivers:write" onClick={() => setOpen("edit")}>
            {t("drivers.edit")}
          </MayButton>
          <MayButton
            needs="drivers:write"
            icon={blocked ? "check" : "block"}
            onClick={() => setOpen("block")}
          >
            {t(blocked ? "drivers.unblock" : "drivers.block")}
          </MayButton>
          <AskToPay driver={driver} />
          {may("money:read") && (
            <LinkButton to="/statements" search={{ account: `driver:${driverId}` }}>
              {t("nav.statements")}
            </LinkButton>
          )}
        </div>
      )}
      {open === "edit" && <DriverForm driver={driver} etag={etag} onClose={() => setOpen(null)} />}
      {open === "block" && (
        <AskDialog
          title={t(blocked ? "drivers.unblockTitle" : "drivers.blockTitle", { name })}
          action={t(blocked ? "drivers.unblock" : "drivers.block")}
          danger={!blocked}
          onClose={() => setOpen(null)}
          onAct={async () => {
            const body = { status: blocked ? ("active" as const) : ("blocked" as const) };
            await call("updateDriver", { path: { driverId }, body, ifMatch: etag, idempotencyKey: newId() });
            await client.invalidateQueries({ queryKey: ["drivers"] });
          }}
        >
          <p>{t(blocked ? "drivers.unblockAsk" : "drivers.blockAsk", { count: driver.tokenCount })}</p>
        </AskDialog>
      )}
    </PageHead>
  );
}

/** The one number: what is owed now. */
function Owes({ driverId }: { driverId: string }) {
  const t = useTranslations();
  const money = useMoney();
  const account = `driver:${driverId}`;
  const balances =
    useQuery({
      queryKey: ["ledger", "accounts", "one", account],
      queryFn: ({ signal }) => call("listLedgerAccounts", { query: { account }, signal }),
    }).data?.items.find((one) => one.account === account)?.balances ?? [];
  return (
    <div className="mt-2">
      {balances.map(({ currency, amountMinor }) => (
        <Link key={currency} to="/ledger/$account" params={{ account }} className="rounded hover:underline">
          <BigNumber
            value={money.amount(Math.abs(amountMinor), currency)}
            unit={t(amountMinor > 0 ? "money.owes" : amountMinor < 0 ? "money.hasCredit" : "money.even")}
          />
        </Link>
      ))}
    </div>
  );
}

function Facts({ driver }: { driver: Driver }) {
  const t = useTranslations();
  return (
    <Section title={t("drivers.facts")}>
      <Card className="px-4 py-3 sm:px-5">
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3 text-sm">
          {(["email", "phone", "taxId", "groupId", "language"] as const).map((field) => (
            <Fact key={field} term={t(`drivers.field.${field}`)}>
              {driver[field] ?? MISSING}
            </Fact>
          ))}
          <Fact term={t("drivers.since")}>
            <When at={driver.createdAt} ago={false} />
          </Fact>
        </dl>
        {driver.status !== "erased" && (
          <div className="mt-3 border-t border-line pt-3 text-sm">
            <DriverSignIn driver={driver} />
          </div>
        )}
        {driver.notes !== null && (
          <p className="mt-3 border-t border-line pt-3 text-sm whitespace-pre-line">{driver.notes}</p>
        )}
      </Card>
    </Section>
  );
}

function Tokens({ driver, tokens }: { driver: Driver; tokens: readonly IdTokenView[] }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [attaching, setAttaching] = useState(false);
  const [detaching, setDetaching] = useState<string | null>(null);
  const [idToken, setIdToken] = useState("");
  const { driverId } = driver;
  const refresh = () => client.invalidateQueries({ queryKey: ["drivers"] });
  return (
    <Section
      title={t("drivers.hisTokens")}
      aside={
        driver.status !== "erased" && (
          <MayButton needs="drivers:write" small icon="plus" onClick={() => setAttaching(true)}>
            {t("drivers.attach")}
          </MayButton>
        )
      }
    >
      {tokens.length === 0 ? (
        <Empty title={t("drivers.noTokens")}>{t("drivers.noTokensHint")}</Empty>
      ) : (
        <Card>
          <ul className="divide-y divide-line">
            {tokens.map((token) => (
              <li key={token.idToken} className="flex items-center gap-3 px-4 py-2 text-sm">
                <span className="min-w-0 flex-1 truncate">
                  <code className="font-mono text-[0.8125rem]">{token.idToken}</code>
                  {token.label !== null && <span className="ml-2 text-ink-2">{token.label}</span>}
                </span>
                {token.status === "Blocked" && (
                  <Badge tone="amber" icon="block">
                    {t("tokenStatus.Blocked")}
                  </Badge>
                )}
                <MayButton
                  needs="drivers:write"
                  small
                  look="ghost"
                  aria-label={t("drivers.detachName", { token: token.idToken })}
                  onClick={() => setDetaching(token.idToken)}
                >
                  {t("drivers.detach")}
                </MayButton>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {attaching && (
        <AskDialog
          title={t("drivers.attach")}
          action={t("drivers.attach")}
          danger={false}
          onClose={() => setAttaching(false)}
          onAct={async () => {
            await call("attachIdToken", { path: { driverId, idToken: idToken.trim() } });
            await refresh();
          }}
        >
          <p className="text-sm text-ink-2">{t("drivers.attachHint")}</p>
          <TextField
            label={t("tokens.idToken")}
            required
            maxLength={36}
            autoComplete="off"
            spellCheck={false}
            className="font-mono"
            value={idToken}
            onChange={(event) => setIdToken(event.target.value)}
          />
        </AskDialog>
      )}
      {detaching !== null && (
        <AskDialog
          title={t("drivers.detachName", { token: detaching })}
          action={t("drivers.detach")}
          onClose={() => setDetaching(null)}
          onAct={async () => {
            await call("detachIdToken", { path: { driverId, idToken: detaching } });
            await refresh();
          }}
        >
          <p>{t("drivers.detachAsk")}</p>
        </AskDialog>
      )}
    </Section>
  );
}

/** LGPD: everything that is known, as a file; and all of it gone. */
function Privacy({ driver }: { driver: Driver }) {
  const t = useTranslations();
  const client = useQueryClient();
  const may = useMay();
  const [erasing, setErasing] = useState(false);
  const [typed, setTyped] = useState("");
  const [leaveOpen, setLeaveOpen] = useState(false);
  const words = t("drivers.erasureWords");
  const { driverId } = driver;
  return (
    <Section title={t("drivers.privacy")} className="mt-8">
      <Card className="space-y-3 px-4 py-3 text-sm sm:px-5">
        {driver.status === "erased" ? (
          <p>
            {t(driver.erasureFinishedAt === null ? "drivers.erasing" : "drivers.erased")}{" "}
            {driver.erasedAt !== null && <When at={driver.erasedAt} ago={false} />}
          </p>
        ) : (
          <>
            {driver.erasureRequestedAt !== null && (
              <p className="flex gap-2 font-medium text-amber">
                <Icon name="alert" className="mt-0.5 size-4" />
                <span>
                  {t("drivers.wishes")} <When at={driver.erasureRequestedAt} />
                </span>
              </p>
            )}
            <p className="max-w-prose text-ink-2">{t("drivers.privacyHint")}</p>
            <div className="flex flex-wrap gap-2">
              {may("drivers:write") && (
                <DownloadButton
                  path={pathOf("exportDriverData", { driverId })}
                  name={`${t("drivers.dataFile")}-${driverId.slice(0, 8)}.json`}
                >
                  {t("drivers.export")}
                </DownloadButton>
              )}
              <MayButton needs="drivers:write" onClick={() => setErasing(true)}>
                {t("drivers.erase")}
              </MayButton>
            </div>
          </>
        )}
      </Card>
      {erasing && (
        <AskDialog
          title={t("drivers.eraseTitle", { name: driver.name ?? t("drivers.noName") })}
          action={t("drivers.eraseForGood")}
          onClose={() => setErasing(false)}
          onAct={async () => {
            if (typed.trim().toLowerCase() !== words) throw new Error(t("drivers.typeExactly", { words }));
            const openBalance = leaveOpen ? "leave" : "refuse";
            await call("eraseDriver", { path: { driverId }, body: { confirm: ERASURE_WORDS, openBalance } });
            await client.invalidateQueries({ queryKey: ["drivers"] });
          }}
        >
          <p>{t("drivers.eraseAsk")}</p>
          <TextField
            label={t("drivers.typeExactly", { words })}
            required
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
          <CheckField
            label={t("drivers.eraseOpen")}
            hint={t("drivers.eraseOpenHint")}
            checked={leaveOpen}
            onChange={setLeaveOpen}
          />
        </AskDialog>
      )}
    </Section>
  );
}
