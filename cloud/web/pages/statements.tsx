/** Statements: what did each payer owe in a period? The latest first. */
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { NewStatement, StatementView } from "../../api/money-schemas.ts";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Empty } from "../components/card.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { TextField } from "../components/field.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { cloudNow, newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import { useAccountName } from "../lib/money-words.ts";
import { useMoney } from "../lib/money.ts";
import { usePeriod } from "../lib/period.ts";

const route = getRouteApi("/statements");
const PAGE = 50;

export function StatementsPage() {
  const t = useTranslations();
  const { account } = route.useSearch();
  const name = useAccountName();
  const [creating, setCreating] = useState(false);
  const feed = useFeed<StatementView>({
    queryKey: ["statements", "list", account ?? ""],
    fetchPage: (cursor, signal) =>
      call("listStatements", { query: { account, limit: PAGE, cursor }, signal }),
    idOf: ({ statementId }) => statementId,
  });
  return (
    <>
      <PageHead title={t("money.statements.title")}>
        <p className="mt-1 max-w-prose text-ink-2">{t("money.statements.intro")}</p>
      </PageHead>
      <div className="mb-4 flex flex-wrap items-center gap-3">
        {account !== undefined && (
          <p className="text-sm text-ink-2">
            {t("money.statements.ofAccount", { account: name(account) })}{" "}
            <Link
              to="/statements"
              className="rounded text-accent underline decoration-line-strong underline-offset-2"
            >
              {t("money.showAll")}
            </Link>
          </p>
        )}
        <MayButton needs="money:write" icon="plus" className="sm:ml-auto" onClick={() => setCreating(true)}>
          {t("money.statements.create")}
        </MayButton>
      </div>
      <FeedList
        feed={feed}
        empty={<Empty title={t("money.statements.none")}>{t("money.statements.noneHint")}</Empty>}
        row={(statement) => <Row key={statement.statementId} statement={statement} />}
      />
      {creating && <CreateDialog account={account ?? ""} onClose={() => setCreating(false)} />}
    </>
  );
}

function Row({ statement }: { statement: StatementView }) {
  const t = useTranslations();
  const money = useMoney();
  const name = useAccountName();
  const period = usePeriod();
  return (
    <li className="lazy-row relative flex flex-wrap items-center gap-x-4 gap-y-0.5 px-4 py-2.5 hover:bg-raised">
      <div className="min-w-0 flex-1 basis-56">
        <Link
          to="/statements/$statementId"
          params={{ statementId: statement.statementId }}
          className="font-medium break-words -outline-offset-2 after:absolute after:inset-0"
        >
          {name(statement.account)}
        </Link>
        <p className="text-[0.8125rem] text-ink-3">
          {t("money.statements.number", { number: String(statement.number) })} ·{" "}
          {period(statement.from, statement.to, statement.timeZone)}
        </p>
      </div>
      <span className="text-sm text-ink-2">{t("money.statements.cdrs", { count: statement.cdrCount })}</span>
      <span className="w-28 text-right font-medium">
        {money.amount(statement.closingMinor, statement.currency)}
      </span>
    </li>
  );
}

/** The month before this one, `YYYY-MM`. */
function lastMonth(): string {
  const now = new Date(cloudNow());
  const first = new Date(now.getFullYear(), now.getMonth() - 1, 1);
  return `${first.getFullYear()}-${String(first.getMonth() + 1).padStart(2, "0")}`;
}

function CreateDialog({ account: given, onClose }: { account: string; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [account, setAccount] = useState(given);
  const [month, setMonth] = useState(lastMonth);
  const [idempotencyKey] = useState(newId);
  return (
    <AskDialog
      title={t("money.statements.create")}
      action={t("money.statements.make")}
      danger={false}
      onClose={onClose}
      onAct={async () => {
        const body: NewStatement = { account: account.trim(), month };
        const { statementId } = await call("createStatement", { body, idempotencyKey });
        await client.invalidateQueries({ queryKey: ["statements"] });
        await navigate({ to: "/statements/$statementId", params: { statementId } });
      }}
    >
      <TextField
        label={t("money.accountWord")}
        hint={t("money.statements.accountHint")}
        required
        maxLength={220}
        autoComplete="off"
        spellCheck={false}
        className="font-mono text-[0.8125rem]"
        value={account}
        onChange={(event) => setAccount(event.target.value)}
      />
      <TextField
        label={t("money.statements.month")}
        hint={t("money.statements.monthHint")}
        type="month"
        required
        value={month}
        onChange={(event) => setMonth(event.target.value)}
      />
    </AskDialog>
  );
}
