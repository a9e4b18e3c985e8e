/**
 * A price line by line: what was taken, at which price, what it comes to. The lines add up to the total (tax
 * included) or to the net amount (tax added), and the foot says which.
 */
import { useTranslations } from "use-intl";
import type { CdrLineView } from "../../api/money-schemas.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMoney } from "../lib/money.ts";

type Line = Pick<
  CdrLineView,
  "component" | "elementIndex" | "quantity" | "unit" | "priceMicro" | "amountMinor"
>;

type Props = {
  price: { currency: string; netMinor: number; taxMinor: number; totalMinor: number; lines: readonly Line[] };
  /** Null: the tariff names none. Undefined: it is not known here how it is called. */
  tax?: { name: string; rateBp: number; included: boolean } | null | undefined;
};

const MINUTE_S = 60;

/** "1.800 s × R$ 0,10/min", or nothing where a line is a bound of the whole. */
function useArithmetic() {
  const t = useTranslations();
  const format = useFormat();
  const money = useMoney();
  return ({ unit, quantity, priceMicro }: Line, currency: string): string | null => {
    const price = money.price(priceMicro, currency);
    switch (unit) {
      case "Wh":
        return t("money.line.byEnergy", { energy: format.energy(quantity), price });
      case "s": {
        const seconds = quantity % MINUTE_S;
        const duration = `${format.count(Math.floor(quantity / MINUTE_S))}\u00a0min${
          seconds === 0 ? "" : ` ${seconds}\u00a0s`
        }`;
        return t("money.line.byTime", { duration, price });
      }
      case "start":
        return t("money.line.byStart", { price });
      case "adjustment":
        return null;
    }
  };
}

export function PriceLines({ price, tax }: Props) {
  const t = useTranslations();
  const money = useMoney();
  const arithmetic = useArithmetic();
  const { currency, lines, netMinor, taxMinor, totalMinor } = price;
  const sum = lines.reduce((total, line) => total + line.amountMinor, 0);
  const included = tax?.included ?? sum === totalMinor;
  const taxName =
    tax === null || tax === undefined ? t("money.tax") : `${tax.name} ${money.rate(tax.rateBp)}`;
  return (
    <table className="w-full text-sm">
      <caption className="sr-only">{t("money.lines")}</caption>
      <thead className="sr-only">
        <tr>
          <th scope="col">{t("money.line.what")}</th>
          <th scope="col">{t("money.line.amount")}</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line, at) => {
          const how = arithmetic(line, currency);
          return (
            // oxlint-disable-next-line react/no-array-index-key -- lines have no name and do not move
            <tr key={at} className="border-b border-line align-baseline">
              <td className="py-1.5 pr-4">
                {t(`money.component.${line.component}`)}
                {how !== null && <span className="block text-[0.8125rem] text-ink-3">{how}</span>}
              </td>
              <td className="py-1.5 text-right whitespace-nowrap">
                {money.amount(line.amountMinor, currency)}
              </td>
            </tr>
          );
        })}
        {lines.length === 0 && (
          <tr className="border-b border-line">
            <td colSpan={2} className="py-1.5 text-ink-2">
              {t("money.noLines")}
            </td>
          </tr>
        )}
      </tbody>
      <tfoot>
        {(taxMinor !== 0 || tax) && !included && (
          <>
            <Foot name={t("money.net")} amount={money.amount(netMinor, currency)} />
            <Foot name={taxName} amount={money.amount(taxMinor, currency)} />
          </>
        )}
        <tr>
          <th scope="row" className="pt-2 pr-4 text-left font-semibold">
            {t("money.total")}
          </th>
          <td className="pt-2 text-right text-base font-semibold whitespace-nowrap">
            {money.amount(totalMinor, currency)}
          </td>
        </tr>
        {(taxMinor !== 0 || tax) && included && (
          <tr>
            <td colSpan={2} className="pt-1 text-[0.8125rem] text-ink-3">
              {t("money.taxInside", {
                ...{ tax: taxName, amount: money.amount(taxMinor, currency) },
                net: money.amount(netMinor, currency),
              })}
            </td>
          </tr>
        )}
      </tfoot>
    </table>
  );
}

function Foot({ name, amount }: { name: string; amount: string }) {
  return (
    <tr className="text-ink-2">
      <th scope="row" className="pt-1.5 pr-4 text-left font-normal">
        {name}
      </th>
      <td className="pt-1.5 text-right whitespace-nowrap">{amount}</td>
    </tr>
  );
}
