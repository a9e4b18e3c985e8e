/** Terms of a tariff in words, one line per element in the order in which they count. */
import { useTranslations } from "use-intl";
import type { TariffTerms } from "../../../shared/tariff.ts";
import { useTariffWords } from "../lib/tariff-words.ts";

export function TermsInWords({ terms, short = false }: { terms: TariffTerms; short?: boolean }) {
  const t = useTranslations();
  const words = useTariffWords();
  const several = terms.elements.length > 1;
  const bounds = words.bounds(terms);
  return (
    <div className="min-w-0 text-sm">
      <ul>
        {terms.elements.map((element, at) => {
          const when =
            words.when(element) ?? (several ? t(at === 0 ? "tariffs.always" : "tariffs.else") : null);
          return (
            // oxlint-disable-next-line react/no-array-index-key -- the order is what an element is
            <li key={at} className="break-words">
              {when !== null && <span className="text-ink-3">{when}: </span>}
              {words.prices(element, terms)}
            </li>
          );
        })}
      </ul>
      {!short && bounds.length > 0 && <p className="mt-1 text-ink-2">{bounds.join(" · ")}</p>}
    </div>
  );
}
