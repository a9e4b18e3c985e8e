/** The sticker of an EVSE: a code to scan, in words that a driver understands. Made to be printed as it stands. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import { Button } from "../components/button.tsx";
import { Skeleton } from "../components/card.tsx";
import { CopyLine } from "../components/copy.tsx";
import { Mark } from "../components/icon.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemPage } from "../components/problem.tsx";
import { fetchBlob } from "../lib/api.ts";
import { call, pathOf } from "../lib/client.ts";
import { stationTariffQuery } from "../lib/tariff-queries.ts";
import { useTariffWords } from "../lib/tariff-words.ts";

const route = getRouteApi("/stickers/$stationId/$evseId");

/** The picture, as an address that holds all of it. */
const pictureQuery = (stationId: string, evseId: number) =>
  queryOptions({
    queryKey: ["sticker", stationId, evseId, "svg"],
    queryFn: async () => {
      const svg = await fetchBlob(pathOf("getEvseQr", { stationId, evseId }), { format: "svg" });
      return `data:image/svg+xml,${encodeURIComponent(await svg.text())}`;
    },
  });

export function StickerPage() {
  const t = useTranslations();
  const words = useTariffWords();
  const { stationId, evseId: evse } = route.useParams();
  const evseId = Number(evse);
  const picture = useQuery(pictureQuery(stationId, evseId)).data;
  const code = useQuery({
    queryKey: ["sticker", stationId, evseId],
    queryFn: ({ signal }) => call("getEvseQr", { path: { stationId, evseId }, query: {}, signal }),
  });
  const tariff = useQuery(stationTariffQuery(stationId)).data?.tariff ?? null;
  if (code.isError) return <ProblemPage error={code.error} onRetry={() => void code.refetch()} />;
  return (
    <>
      <div className="print:hidden">
        <PageHead title={t("payments.sticker.title", { station: stationId, evse })}>
          <p className="mt-1 max-w-prose text-ink-2">{t("payments.sticker.hint")}</p>
          <p className="mt-1 text-sm">
            <Link
              to="/stations/$stationId"
              params={{ stationId }}
              className="rounded text-accent hover:underline"
            >
              {t("payments.sticker.toStation")}
            </Link>
          </p>
        </PageHead>
        <div className="mb-6 flex max-w-xl flex-wrap items-center gap-3">
          <Button look="primary" onClick={() => window.print()}>
            {t("payments.sticker.print")}
          </Button>
          {code.data !== undefined && (
            <div className="min-w-0 flex-1 basis-64">
              <CopyLine text={code.data.url} />
            </div>
          )}
        </div>
      </div>
      {/* Paper is white, whatever the screen is. */}
      <article
        className={
          "mx-auto w-[10.5cm] max-w-full rounded-2xl border border-[#ddd] bg-[#fff] p-6 " +
          "text-center text-[#111] print:m-0 print:border-0"
        }
      >
        <div className="mb-3 flex items-center justify-center gap-2 text-lg font-semibold">
          <Mark />
          Moov.olt
        </div>
        <p className="text-2xl font-semibold">{t("payments.sticker.scan")}</p>
        {picture === undefined ? (
          <Skeleton className="mx-auto my-2 aspect-square w-full max-w-72" />
        ) : (
          <img src={picture} alt={t("payments.sticker.alt")} className="mx-auto my-1 w-full max-w-72" />
        )}
        {tariff !== null && (
          <p className="text-sm">
            {tariff.terms.elements
              .slice(-1)
              .map((element) => words.prices(element, tariff.terms))
              .join("")}
          </p>
        )}
        <p className="mt-3 font-mono text-sm">
          {stationId} · {evse}
        </p>
      </article>
    </>
  );
}
