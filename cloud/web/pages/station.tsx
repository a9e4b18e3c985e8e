/** A station: what is it saying, and what can I do? */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Site, Station } from "../../api/schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Button } from "../components/button.tsx";
import { Card, Empty, Fact, Section, Skeleton } from "../components/card.tsx";
import { CommandDialog, type Question } from "../components/command-dialogs.tsx";
import { CommandList } from "../components/command-list.tsx";
import { ConnectorCard } from "../components/connector-card.tsx";
import { Icon } from "../components/icon.tsx";
import { MessageList } from "../components/message-list.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemPage } from "../components/problem.tsx";
import { Ago, When } from "../components/time.tsx";
import { isSkewed } from "../lib/er-health.ts";
import { MISSING } from "../lib/format.ts";
import { useFormat } from "../lib/i18n.ts";
import { siteQuery, stationQuery } from "../lib/queries.ts";
import { ONLINE_LOOK } from "../lib/state.ts";

const route = getRouteApi("/stations/$stationId");

export function StationPage() {
  const t = useTranslations();
  const { stationId } = route.useParams();
  const filter = route.useSearch();
  const navigate = useNavigate();
  const [question, setQuestion] = useState<Question | null>(null);
  const query = useQuery(stationQuery(stationId));
  const station = query.data;
  const site = useQuery(siteQuery(station?.siteId ?? ""));
  if (query.isError && station === undefined)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (station === undefined) return <StationSkeleton />;
  const timeZone = site.data?.timeZone;
  // Behind an ER that cannot be heard, nobody knows.
  const online = station.online && site.data?.erOnline !== false;
  return (
    <>
      <StationHead station={{ ...station, online }} site={site.data} timeZone={timeZone} />
      <div className="grid grid-cols-1 gap-8 lg:grid-cols-[minmax(0,1fr)_24rem]">
        <Section title={t("station.connectorsTitle")} className="min-w-0">
          {station.connectors.length === 0 ? (
            <Empty title={t("station.noConnectors")}>{t("station.noConnectorsHint")}</Empty>
          ) : (
            <ul className="space-y-3">
              {station.connectors.map((connector) => (
                <li key={`${connector.evseId}.${connector.connectorId}`}>
                  <ConnectorCard {...{ connector, timeZone }} online={online} onAsk={setQuestion} />
                </li>
              ))}
            </ul>
          )}
        </Section>
        <Section title={t("station.commandsTitle")} className="min-w-0">
          <Actions onAsk={setQuestion} />
          <CommandList stationId={stationId} timeZone={timeZone} />
        </Section>
      </div>
      <Section title={t("station.messagesTitle")} className="mt-8">
        <MessageList
          {...{ stationId, timeZone, filter }}
          onFilter={(search) =>
            void navigate({
              to: "/stations/$stationId",
              params: { stationId },
              search,
              replace: true,
              resetScroll: false,
            })
          }
        />
      </Section>
      {question !== null && (
        <CommandDialog
          station={{ ...station, online }}
          question={question}
          onClose={() => setQuestion(null)}
        />
      )}
    </>
  );
}

type HeadProps = {
  station: Station;
  site: Site | undefined;
  timeZone: string | undefined;
};

function StationHead({ station, site, timeZone }: HeadProps) {
  const t = useTranslations();
  const link = station.online ? "online" : "offline";
  const since = station.onlineChangedAt;
  return (
    <PageHead
      title={station.stationId}
      site={site}
      badge={<Badge {...ONLINE_LOOK[link]}>{t(`online.${link}`)}</Badge>}
    >
      <p className={`mt-1 ${station.online ? "text-ink-2" : "text-amber"}`}>
        {since === null ? t("station.neverConnected") : t(`station.since.${link}`)}{" "}
        {since !== null && <When at={since} timeZone={timeZone} />}
      </p>
      {isSkewed(station.clockSkewMs) && <ClockWarning skewMs={station.clockSkewMs} />}
      <dl className="mt-4 grid grid-cols-2 gap-x-8 gap-y-3 text-sm sm:flex sm:flex-wrap">
        <Fact term={t("station.model")}>
          {[station.vendor, station.model].filter(Boolean).join(" ") || MISSING}
        </Fact>
        <Fact term={t("station.firmware")}>{station.firmwareVersion ?? MISSING}</Fact>
        <Fact term={t("station.serial")}>{station.serialNumber ?? MISSING}</Fact>
        <Fact term={t("station.protocol")}>{station.protocol ?? MISSING}</Fact>
        <Fact term={t("station.booted")}>
          {station.bootedAt === null ? MISSING : <Ago at={station.bootedAt} timeZone={timeZone} />}
        </Fact>
        <Fact term={t("station.lastMessage")}>
          {station.lastMessageAt === null ? MISSING : <Ago at={station.lastMessageAt} timeZone={timeZone} />}
        </Fact>
      </dl>
    </PageHead>
  );
}

/** Its clock is so wrong that its times cannot be believed. */
function ClockWarning({ skewMs }: { skewMs: number }) {
  const t = useTranslations();
  const format = useFormat();
  return (
    <div className="mt-3 flex max-w-3xl gap-2 rounded-lg bg-amber-soft px-3 py-2 text-sm">
      <Icon name="clock" className="mt-0.5 size-4 text-amber" />
      <div>
        <p className="font-medium text-amber">
          {t(skewMs > 0 ? "station.clockAhead" : "station.clockBehind", {
            by: format.duration(Math.abs(skewMs)),
          })}
        </p>
        <p>{t("station.clockHint")}</p>
      </div>
    </div>
  );
}

/** What can be done to the station as a whole; what is done to a connector stands at the connector. */
function Actions({ onAsk }: { onAsk: (question: Question) => void }) {
  const t = useTranslations();
  return (
    <div className="mb-3 grid grid-cols-2 gap-2">
      <Button icon="play" onClick={() => onAsk({ kind: "start" })}>
        {t("action.start")}
      </Button>
      <Button icon="restart" onClick={() => onAsk({ kind: "reset" })}>
        {t("action.reset")}
      </Button>
      <Button icon="power" onClick={() => onAsk({ kind: "availability" })}>
        {t("action.availability")}
      </Button>
      <Button icon="bell" onClick={() => onAsk({ kind: "trigger" })}>
        {t("action.trigger")}
      </Button>
    </div>
  );
}

function StationSkeleton() {
  const t = useTranslations();
  return (
    <div aria-busy="true" aria-label={t("common.loading")} role="status">
      <Skeleton className="mb-2 h-5 w-40" />
      <Skeleton className="mb-3 h-8 w-48" />
      <Skeleton className="mb-8 h-16 w-full max-w-2xl" />
      <div className="grid gap-8 lg:grid-cols-[minmax(0,1fr)_24rem]">
        <Card className="h-72">{null}</Card>
        <Card className="h-72">{null}</Card>
      </div>
    </div>
  );
}
