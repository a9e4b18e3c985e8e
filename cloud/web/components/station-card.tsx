/** A station in a list: who it is, whether it answers, and what each connector is doing. */
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { Connector, Station } from "../../api/schemas.ts";
import { connectorName } from "../lib/attention.ts";
import { isSkewed } from "../lib/er-health.ts";
import { useFormat } from "../lib/i18n.ts";
import { CONNECTOR_LOOK, connectorState, ONLINE_LOOK } from "../lib/state.ts";
import { useCode } from "../lib/words.ts";
import { Badge } from "./badge.tsx";
import { Card } from "./card.tsx";
import { Ago } from "./time.tsx";

type Props = { station: Station; siteOnline: boolean; timeZone: string };

export function StationCard({ station, siteOnline, timeZone }: Props) {
  const t = useTranslations();
  const { stationId, vendor, model } = station;
  const online = station.online && siteOnline;
  const link = online ? "online" : "offline";
  return (
    <Card className="relative flex h-full flex-col transition-colors hover:border-line-strong">
      <div className="flex items-start justify-between gap-2 px-4 pt-3">
        <div className="min-w-0">
          <h3 className="truncate font-semibold">
            <Link
              to="/stations/$stationId"
              params={{ stationId }}
              className="rounded outline-offset-4 after:absolute after:inset-0 after:rounded-xl"
            >
              {stationId}
            </Link>
          </h3>
          <p className="truncate text-[0.8125rem] text-ink-3">
            {[vendor, model].filter(Boolean).join(" ") || t("station.neverBooted")}
          </p>
        </div>
        {!online && (
          <div className="text-right">
            <Badge {...ONLINE_LOOK[link]}>{t(`online.${link}`)}</Badge>
            {!station.online && station.onlineChangedAt !== null && (
              <p className="mt-0.5 text-xs text-ink-3">
                <Ago at={station.onlineChangedAt} timeZone={timeZone} />
              </p>
            )}
          </div>
        )}
      </div>
      {online && isSkewed(station.clockSkewMs) && (
        <div className="px-4 pt-2">
          <Badge tone="amber" icon="clock">
            {t("station.clockWrong")}
          </Badge>
        </div>
      )}
      <ul className="mt-2 space-y-0.5 px-4 pb-3">
        {station.connectors.length === 0 && (
          <li className="text-sm text-ink-3">{t("station.noConnectors")}</li>
        )}
        {station.connectors.map((connector) => (
          <ConnectorLine
            key={`${connector.evseId}.${connector.connectorId}`}
            connector={connector}
            online={online}
          />
        ))}
      </ul>
    </Card>
  );
}

function ConnectorLine({ connector, online }: { connector: Connector; online: boolean }) {
  const format = useFormat();
  return (
    <li className="flex h-8 items-center gap-2.5">
      <span className="w-6 shrink-0 text-[0.8125rem] text-ink-3">{connectorName(connector)}</span>
      <ConnectorBadge connector={connector} online={online} />
      {connector.transactionId !== null && (
        <span className={`ml-auto font-medium ${online ? "" : "text-ink-3"}`}>
          {format.power(connector.powerW)}
        </span>
      )}
    </li>
  );
}

/**
 * A connector's state with the finer word of the station beside it, where it adds something. Behind an
 * offline station it is the last state that was known, greyed: the station itself says since when.
 */
export function ConnectorBadge({ connector, online }: { connector: Connector; online: boolean }) {
  const t = useTranslations();
  const code = useCode();
  const state = connectorState(connector);
  const finer =
    state === "faulted"
      ? connector.errorCode !== null && (code("errorCode", connector.errorCode) ?? connector.errorCode)
      : (state === "waiting" || state === "occupied") &&
        connector.detail !== null &&
        (code("connectorDetail", connector.detail) ?? connector.detail);
  return (
    <span className="inline-flex min-w-0 items-center gap-2">
      <Badge {...CONNECTOR_LOOK[state]} old={!online}>
        {t(`connectorState.${state}`)}
      </Badge>
      {finer && <span className="truncate text-[0.8125rem] text-ink-2">{finer}</span>}
    </span>
  );
}
