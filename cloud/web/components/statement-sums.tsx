/** Opening, what came, closing: they add up. */
import { useTranslations } from "use-intl";
import type { StatementView } from "../../api/money-schemas.ts";
import { useMoney } from "../lib/money.ts";
import { Card } from "./card.tsx";

const PARTS = ["opening", "charges", "payments", "other", "closing"] as const;
type Sums = Pick<StatementView, `${(typeof PARTS)[number]}Minor` | "currency">;

export function StatementSums({ statement }: { statement: Sums }) {
  const t = useTranslations();
  const money = useMoney();
  return (
    <Card className="max-w-md px-4 py-3 sm:px-5">
      <dl className="space-y-1 text-sm">
        {PARTS.map((part) => (
          <div
            key={part}
            className={
              part === "closing"
                ? "flex justify-between gap-4 border-t border-line pt-1.5 font-semibold"
                : "flex justify-between gap-4"
            }
          >
            <dt>{t(`money.statements.${part}`)}</dt>
            <dd>{money.amount(statement[`${part}Minor`], statement.currency)}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
