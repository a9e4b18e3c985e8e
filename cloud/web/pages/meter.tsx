/** A meter: its power by phase over a range of time, and what else it measures. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { Meter } from "../../api/schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Card, Fact, Section, Skeleton } from "../components/card.tsx";
import { Segmented } from "../components/field.tsx";
import { MeterChart, MeterNow } from "../components/meter-card.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemPage } from "../components/problem.tsx";
import { When } from "../components/time.tsx";
import { MISSING } from "../lib/format.ts";
import { useFormat } from "../lib/i18n.ts";
import { meterQuery, siteQuery } from "../lib/queries.ts";
import { METER_LOOK } from "../lib/state.ts";
import { useCode } from "../lib/words.ts";

const route = getRouteApi("/meters/$meterId");
const RANGES = ["15", "60", "360", "1440"] as const;
const CHART_PX = 320;

export function MeterPage() {
  const t = useTranslations();
  const { meterId } = route.useParams();
  const { minutes } = route.useSearch();
  const navigate = useNavigate();
  const query = useQuery(meterQuery(meterId));
  const meter = query.data;
  const site = useQuery(siteQuery(meter?.siteId ?? ""));
  if (query.isError && meter === undefined)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (meter === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const range = RANGES.find((one) => Number(one) === minutes) ?? "60";
  const timeZone = site.data?.timeZone;
  const online = site.data?.erOnline !== false;
  const choose = (next: (typeof RANGES)[number]) =>
    void navigate({
      to: "/meters/$meterId",
      params: { meterId },
      search: { minutes: Number(next) },
      replace: true,
      resetScroll: false,
    });
  return (
    <>
      <PageHead
        title={meterId}
        site={site.data}
        badge={
          <Badge {...METER_LOOK[meter.state]} old={!online}>
            {t(`meterState.${meter.state}`)}
          </Badge>
        }
      >
        <p className="mt-1 text-ink-2">{meter.model}</p>
        <div className="mt-2">
          <MeterNow meter={meter} online={online} timeZone={timeZone} />
        </div>
      </PageHead>
      <Section
        title={t("meter.power")}
        className="mb-8"
        aside={
          <Segmented
            legend={t("meter.range")}
            value={range}
            onChange={choose}
            choices={RANGES.map((value) => ({ value, label: t(`meter.minutes.${value}`) }))}
          />
        }
      >
        <Card className="px-4 py-3">
          <MeterChart
            key={range}
            meterId={meterId}
            minutes={Number(range)}
            phases={3}
            height={CHART_PX}
            timeZone={timeZone}
          />
        </Card>
      </Section>
      <Registers meter={meter} timeZone={timeZone} />
    </>
  );
}

function Registers({ meter, timeZone }: { meter: Meter; timeZone: string | undefined }) {
  const t = useTranslations();
  const format = useFormat();
  const code = useCode();
  const phases = Math.max(
    meter.powerPhasesW?.length ?? 0,
    meter.currentPhasesMa?.length ?? 0,
    meter.voltagePhasesMv?.length ?? 0,
  );
  return (
    <Section title={t("meter.values")}>
      <Card className="px-4 py-3">
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3 text-sm sm:grid-cols-4">
          <Fact term={t("meter.import")}>{format.energy(meter.energyImportWh)}</Fact>
          <Fact term={t("meter.export")}>{format.energy(meter.energyExportWh)}</Fact>
          <Fact term={t("meter.sampled")}>
            {meter.sampledAt === null ? MISSING : <When at={meter.sampledAt} timeZone={timeZone} />}
          </Fact>
          {meter.flags.length > 0 && (
            <Fact term={t("transaction.flags")}>
              <span className="text-amber">
                {meter.flags.map((flag) => code("flag", flag) ?? flag).join(", ")}
              </span>
            </Fact>
          )}
        </dl>
        {phases > 0 && (
          <table className="mt-4 w-full max-w-lg text-sm">
            <thead>
              <tr className="text-[0.8125rem] text-ink-3">
                <th scope="col" className="py-1 text-left font-normal">
                  {t("meter.phase")}
                </th>
                <th scope="col" className="py-1 text-right font-normal">
                  {t("transactions.power")}
                </th>
                <th scope="col" className="py-1 text-right font-normal">
                  {t("meter.current")}
                </th>
                <th scope="col" className="py-1 text-right font-normal">
                  {t("meter.voltage")}
                </th>
              </tr>
            </thead>
            <tbody>
              {Array.from({ length: phases }, (_, phase) => (
                <tr key={phase} className="border-t border-line">
                  <th scope="row" className="py-1.5 text-left font-medium">
                    L{phase + 1}
                  </th>
                  <td className="text-right">{format.power(meter.powerPhasesW?.[phase] ?? null)}</td>
                  <td className="text-right">{format.current(meter.currentPhasesMa?.[phase] ?? null)}</td>
                  <td className="text-right">{format.voltage(meter.voltagePhasesMv?.[phase] ?? null)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Card>
    </Section>
  );
}
