/** The station at a glance: what it is, its connectors, what was asked of it and what it said last. */
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Empty, Fact, Section } from "../components/card.tsx";
import { CommandDialog, type Question } from "../components/command-dialogs.tsx";
import { CommandList } from "../components/command-list.tsx";
import { ConnectorCard } from "../components/connector-card.tsx";
import { LatestMessages } from "../components/message-list.tsx";
import { CopyLine } from "../components/copy.tsx";
import { MayButton } from "../components/may.tsx";
import { useStation } from "../components/station-context.tsx";
import { Ago } from "../components/time.tsx";
import { guide } from "../lib/guide.ts";
import { protocolName } from "../lib/intents.ts";
import { MISSING } from "../lib/format.ts";

const LATEST = 5;
const MORE = "rounded text-sm text-accent hover:underline";

export function StationOverview() {
  const t = useTranslations();
  const { station, timeZone } = useStation();
  const { stationId } = station;
  const [question, setQuestion] = useState<Question | null>(null);
  return (
    <>
      {station.onlineChangedAt === null ? <Awaited /> : <Identity />}
      <div className="grid grid-cols-1 gap-8 lg:grid-cols-[minmax(0,1fr)_24rem]">
        <Section title={t("station.connectorsTitle")} className="min-w-0">
          {station.connectors.length === 0 ? (
            <Empty title={t("station.noConnectors")}>{t("station.noConnectorsHint")}</Empty>
          ) : (
            <ul className="space-y-3">
              {station.connectors.map((connector) => (
                <li key={`${connector.evseId}.${connector.connectorId}`}>
                  <ConnectorCard {...{ connector, timeZone }} online={station.online} onAsk={setQuestion} />
                </li>
              ))}
            </ul>
          )}
        </Section>
        <Section
          title={t("station.commandsTitle")}
          className="min-w-0"
          aside={
            <Link to="/stations/$stationId/commands" params={{ stationId }} className={MORE}>
              {t("station.allCommands")}
            </Link>
          }
        >
          <Actions onAsk={setQuestion} />
          <CommandList {...{ stationId, timeZone }} pageSize={LATEST} />
        </Section>
      </div>
      <Section
        title={t("station.latestTitle")}
        className="mt-8"
        aside={
          <Link to="/stations/$stationId/timeline" params={{ stationId }} className={MORE}>
            {t("station.allMessages")}
          </Link>
        }
      >
        <LatestMessages {...{ stationId, timeZone }} />
      </Section>
      {question !== null && (
        <CommandDialog station={station} question={question} onClose={() => setQuestion(null)} />
      )}
    </>
  );
}

/** Prepared, not yet bolted on: the address to type into it. */
function Awaited() {
  const t = useTranslations();
  const { identity } = useStation().station;
  return (
    <div className="mb-8">
      <Empty title={t("station.neverConnected")}>
        <p className="mb-3">{t("site.noStationsHint")}</p>
        <CopyLine text={guide.stationUrl(t("site.erAddress"), identity)} />
      </Empty>
    </div>
  );
}

function Identity() {
  const t = useTranslations();
  const { station, timeZone } = useStation();
  const { vendor, model, firmwareVersion, serialNumber, protocol, bootedAt, lastMessageAt } = station;
  return (
    <dl className="mb-8 grid grid-cols-2 gap-x-8 gap-y-3 text-sm sm:flex sm:flex-wrap">
      <Fact term={t("station.model")}>{[vendor, model].filter(Boolean).join(" ") || MISSING}</Fact>
      <Fact term={t("station.firmware")}>{firmwareVersion ?? MISSING}</Fact>
      <Fact term={t("station.serial")}>{serialNumber ?? MISSING}</Fact>
      <Fact term={t("station.protocol")}>{protocol === null ? MISSING : protocolName(protocol)}</Fact>
      <Fact term={t("station.booted")}>
        {bootedAt === null ? MISSING : <Ago at={bootedAt} timeZone={timeZone} />}
      </Fact>
      <Fact term={t("station.lastMessage")}>
        {lastMessageAt === null ? MISSING : <Ago at={lastMessageAt} timeZone={timeZone} />}
      </Fact>
    </dl>
  );
}

/** What can be done to the station as a whole; what is done to a connector stands at the connector. */
function Actions({ onAsk }: { onAsk: (question: Question) => void }) {
  const t = useTranslations();
  return (
    <div className="mb-3 grid grid-cols-2 gap-2">
      <MayButton needs="commands:send" icon="play" onClick={() => onAsk({ kind: "start" })}>
        {t("action.start")}
      </MayButton>
      <MayButton needs="commands:support" icon="restart" onClick={() => onAsk({ kind: "reset" })}>
        {t("action.reset")}
      </MayButton>
      <MayButton needs="commands:send" icon="power" onClick={() => onAsk({ kind: "availability" })}>
        {t("action.availability")}
      </MayButton>
      <MayButton needs="commands:send" icon="bell" onClick={() => onAsk({ kind: "trigger" })}>
        {t("action.trigger")}
      </MayButton>
    </div>
  );
}
