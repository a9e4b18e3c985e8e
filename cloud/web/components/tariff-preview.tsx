/** What would a session cost by these terms? Asked of the cloud while they are written. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import type { TariffTerms } from "../../../shared/tariff.ts";
import type { TermsPreview } from "../../api/tariff-schemas.ts";
import { cloudNow } from "../lib/api.ts";
import { useMoney, readDecimal } from "../lib/money.ts";
import { sitesQuery } from "../lib/queries.ts";
import { previewQuery } from "../lib/tariff-queries.ts";
import { BigNumber, Card, Section, Skeleton } from "./card.tsx";
import { SelectField, TextField } from "./field.tsx";
import { PriceLines } from "./price-lines.tsx";
import { ProblemNote } from "./problem.tsx";

/** People write faster than that. */
const PAUSE_MS = 350;
const MINUTES_MAX = 31 * 1_440;
const ENERGY_MAX_WH = 100_000_000;

/** A value once it has been still for a while. */
function useStill<T>(value: T, text: string): T {
  const [still, setStill] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setStill(value), PAUSE_MS);
    return () => clearTimeout(timer);
    // By its text: a value that says the same is the same.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [text]);
  return still;
}

const two = (value: number) => String(value).padStart(2, "0");
function localNow(): string {
  const at = new Date(cloudNow());
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

type Draft = { startedAt: string; siteId: string; energyKwh: string; minutes: string; idleMinutes: string };

/** What is asked; null: something of it cannot be read. */
function bodyOf(terms: TariffTerms | null, draft: Draft): TermsPreview | null {
  const chargingMinutes = readDecimal(draft.minutes, 0);
  const idleMinutes = draft.idleMinutes === "" ? 0 : readDecimal(draft.idleMinutes, 0);
  const energyWh = readDecimal(draft.energyKwh, 3);
  if (terms === null || chargingMinutes === undefined || idleMinutes === undefined || energyWh === undefined)
    return null;
  if (chargingMinutes < 1 || chargingMinutes > MINUTES_MAX || idleMinutes < 0 || idleMinutes > MINUTES_MAX)
    return null;
  if (energyWh < 0 || energyWh > ENERGY_MAX_WH) return null;
  const place =
    draft.siteId === ""
      ? { timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone }
      : { siteId: draft.siteId };
  const startedAt = draft.startedAt === "" ? {} : { startedAt: new Date(draft.startedAt).toISOString() };
  return { terms, chargingMinutes, idleMinutes, energyWh, ...place, ...startedAt };
}

export function TariffPreviewCard({ terms }: { terms: TariffTerms | null }) {
  const t = useTranslations();
  const money = useMoney();
  const sites = useQuery(sitesQuery());
  const [draft, setDraft] = useState<Draft>(() => ({
    ...{ startedAt: localNow(), siteId: "", energyKwh: "20", minutes: "60", idleMinutes: "30" },
  }));
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const known = sites.data?.items ?? [];
  const body = bodyOf(terms, { ...draft, siteId: draft.siteId || (known[0]?.siteId ?? "") });
  const asked = useStill(body, JSON.stringify(body));
  const preview = useQuery(previewQuery(asked));
  const shown = preview.data;
  return (
    <Section title={t("tariffs.preview")}>
      <Card className="space-y-4 px-4 py-4 sm:px-5">
        <p aria-live="polite">
          {shown !== undefined && body !== null ? (
            <BigNumber value={money.amount(shown.totalMinor, shown.currency)} unit="" className="text-3xl" />
          ) : (
            <span className="text-ink-3">{t("tariffs.previewWaits")}</span>
          )}
        </p>
        <div className="grid grid-cols-3 items-end gap-3">
          <TextField
            label={t("tariffs.session.energy")}
            inputMode="decimal"
            value={draft.energyKwh}
            onChange={(event) => set({ energyKwh: event.target.value })}
          />
          <TextField
            label={t("tariffs.session.charging")}
            inputMode="numeric"
            value={draft.minutes}
            onChange={(event) => set({ minutes: event.target.value })}
          />
          <TextField
            label={t("tariffs.session.idle")}
            inputMode="numeric"
            value={draft.idleMinutes}
            onChange={(event) => set({ idleMinutes: event.target.value })}
          />
        </div>
        <TextField
          label={t("tariffs.session.start")}
          type="datetime-local"
          value={draft.startedAt}
          onChange={(event) => set({ startedAt: event.target.value })}
        />
        {known.length > 1 && (
          <SelectField
            label={t("tariffs.site")}
            hint={t("tariffs.session.siteHint")}
            value={draft.siteId || known[0]?.siteId}
            onChange={(event) => set({ siteId: event.target.value })}
          >
            {known.map((site) => (
              <option key={site.siteId} value={site.siteId}>
                {site.name}
              </option>
            ))}
          </SelectField>
        )}
        {preview.isError && <ProblemNote error={preview.error} onRetry={() => void preview.refetch()} />}
        {preview.isLoading && <Skeleton className="h-24 w-full" />}
        {shown !== undefined && body !== null && <PriceLines price={shown} tax={asked?.terms.tax ?? null} />}
      </Card>
    </Section>
  );
}
