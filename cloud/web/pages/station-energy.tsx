/** Reservations, charging profiles and the local list: what was promised, what limits, who may charge offline. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { ChargingProfile, Reservation } from "../../api/control-schemas.ts";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Badge } from "../components/badge.tsx";
import { Card, Empty, Section, Skeleton } from "../components/card.tsx";
import { LocalListCard } from "../components/local-list.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { MayButton } from "../components/may.tsx";
import { QuickCommand } from "../components/quick-command.tsx";
import { useStation } from "../components/station-context.tsx";
import { When } from "../components/time.tsx";
import { stationApi } from "../lib/api.ts";
import { isOpen, PROFILE_LOOK, profileEnd, RESERVATION_LOOK } from "../lib/promise.ts";
import { profilesQuery, reportedProfilesQuery, reservationsQuery } from "../lib/queries.ts";
import { flatLimit } from "../lib/command-words.ts";

export function StationEnergy() {
  const t = useTranslations();
  return (
    <div className="grid grid-cols-1 gap-8 lg:grid-cols-2">
      <div className="min-w-0 space-y-8">
        <Section title={t("reservations.title")} aside={<Make send="ReserveNow" />}>
          <Reservations />
        </Section>
        <Section title={t("localList.title")}>
          <LocalListCard />
        </Section>
      </div>
      <div className="min-w-0 space-y-8">
        <Section
          title={t("profiles.title")}
          aside={
            <span className="flex gap-4">
              <Make send="limit" />
              <Make send="SetChargingProfile" />
            </span>
          }
        >
          <Profiles />
        </Section>
        <Reported />
      </div>
    </div>
  );
}

/** To the form that makes one. */
function Make({ send }: { send: "ReserveNow" | "limit" | "SetChargingProfile" }) {
  const t = useTranslations();
  const { stationId } = useStation().station;
  return (
    <Link
      to="/stations/$stationId/commands"
      params={{ stationId }}
      search={{ send }}
      className="rounded text-sm text-accent hover:underline"
    >
      {t(`intent.${send}`)}
    </Link>
  );
}

function Rows({ children }: { children: ReactNode }) {
  return (
    <Card className="overflow-hidden">
      <ul className="divide-y divide-line">{children}</ul>
    </Card>
  );
}

function Reservations() {
  const t = useTranslations();
  const { stationId } = useStation().station;
  const query = useQuery(reservationsQuery(stationId));
  if (query.data === undefined)
    return query.isError ? <ProblemNote error={query.error} /> : <Skeleton className="h-32 w-full" />;
  if (query.data.items.length === 0)
    return <Empty title={t("reservations.none")}>{t("reservations.noneHint")}</Empty>;
  return (
    <Rows>
      {query.data.items.map((reservation) => (
        <ReservationRow key={reservation.reservationId} reservation={reservation} />
      ))}
    </Rows>
  );
}

function ReservationRow({ reservation }: { reservation: Reservation }) {
  const t = useTranslations();
  const client = useQueryClient();
  const { timeZone } = useStation();
  const [asking, setAsking] = useState(false);
  const { reservationId, stationId, evseId, idToken, expiresAt, state, reason, commandId } = reservation;
  const where = evseId === null ? t("start.anyEvse") : t("common.evse", { evse: String(evseId) });
  return (
    <li className="px-4 py-3">
      <div className="flex flex-wrap items-center justify-between gap-x-3">
        <p className="min-w-0 font-medium break-all">{idToken}</p>
        <Badge {...RESERVATION_LOOK[state]}>{t(`reservationState.${state}`)}</Badge>
      </div>
      <p className="text-sm text-ink-2">
        {where} · {t("reservations.until")} <When at={expiresAt} timeZone={timeZone} ago={false} />
      </p>
      {reason !== null && <p className="text-sm break-words text-ink-2">{reason}</p>}
      <div className="mt-1 flex items-center gap-3 text-[0.8125rem] text-ink-3">
        <ToCommand {...{ stationId, commandId }} />
        {isOpen(state) && (
          <MayButton needs="commands:send" small look="ghost" icon="x" onClick={() => setAsking(true)}>
            {t("reservations.cancel")}
          </MayButton>
        )}
      </div>
      {asking && (
        <AskDialog
          title={t("reservations.cancelTitle")}
          action={t("reservations.cancel")}
          onAct={async () => {
            await stationApi.cancelReservation(stationId, reservationId);
            await client.invalidateQueries({ queryKey: ["reservations", stationId] });
          }}
          onClose={() => setAsking(false)}
        >
          <p>{t("reservations.cancelAsk", { token: idToken, where })}</p>
        </AskDialog>
      )}
    </li>
  );
}

function ToCommand({ stationId, commandId }: { stationId: string; commandId: string }) {
  const t = useTranslations();
  return (
    <Link
      to="/stations/$stationId/commands/$commandId"
      params={{ stationId, commandId }}
      className="inline-flex items-center rounded text-accent hover:underline pointer-coarse:min-h-11"
    >
      {t("profiles.command")}
    </Link>
  );
}

function Profiles() {
  const t = useTranslations();
  const { stationId } = useStation().station;
  const query = useQuery(profilesQuery(stationId));
  if (query.data === undefined)
    return query.isError ? <ProblemNote error={query.error} /> : <Skeleton className="h-32 w-full" />;
  if (query.data.items.length === 0)
    return <Empty title={t("profiles.none")}>{t("profiles.noneHint")}</Empty>;
  return (
    <Rows>
      {query.data.items.map((profile) => (
        <ProfileRow key={profile.profileId} profile={profile} />
      ))}
    </Rows>
  );
}

function ProfileRow({ profile }: { profile: ChargingProfile }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { stationId, profileId, evseId, purpose, stackLevel, state, reason, commandId } = profile;
  const name = useProfileName(profile.chargingProfile, evseId);
  return (
    <li className="px-4 py-3">
      <div className="flex flex-wrap items-center justify-between gap-x-3">
        <p className="min-w-0 font-medium">{name}</p>
        <Badge {...PROFILE_LOOK[state]}>{t(`profileState.${state}`)}</Badge>
      </div>
      <p className="text-sm text-ink-2">
        {purpose} · {t("profiles.level", { level: String(stackLevel) })} · {profileId}
        <ProfileEnd chargingProfile={profile.chargingProfile} />
      </p>
      {reason !== null && <p className="text-sm break-words text-ink-2">{reason}</p>}
      <div className="mt-1 flex items-center gap-3 text-[0.8125rem] text-ink-3">
        <ToCommand {...{ stationId, commandId }} />
        {(state === "set" || state === "wanted") && (
          <MayButton needs="commands:send" small look="ghost" icon="x" onClick={() => setAsking(true)}>
            {t("profiles.clear")}
          </MayButton>
        )}
      </div>
      {asking && (
        <AskDialog
          title={t("profiles.clearTitle")}
          action={t("profiles.clear")}
          onAct={async () => {
            await stationApi.clearProfile(stationId, profileId);
            await client.invalidateQueries({ queryKey: ["profiles", stationId] });
          }}
          onClose={() => setAsking(false)}
        >
          <p>{t("profiles.clearAsk", { name, station: stationId })}</p>
        </AskDialog>
      )}
    </li>
  );
}

/** "16 A · EVSE 1": a profile with one limit by it, another one by what it is. */
function useProfileName(chargingProfile: Record<string, unknown>, evseId: number): string {
  const t = useTranslations();
  const limit = flatLimit(chargingProfile) ?? t("profiles.schedule");
  const where = evseId === 0 ? t("availability.whole") : t("common.evse", { evse: String(evseId) });
  return `${limit} · ${where}`;
}

function ProfileEnd({ chargingProfile }: { chargingProfile: Record<string, unknown> }) {
  const t = useTranslations();
  const { timeZone } = useStation();
  const end = profileEnd(chargingProfile);
  if (end === null) return null;
  return (
    <>
      {" · "}
      {t("reservations.until")} <When at={end} timeZone={timeZone} ago={false} />
    </>
  );
}

/** What the station itself says it has. OCPP 1.6 cannot be asked. */
function Reported() {
  const t = useTranslations();
  const { station, timeZone } = useStation();
  const { stationId, protocol } = station;
  const query = useQuery({ ...reportedProfilesQuery(stationId), enabled: protocol !== "ocpp1.6" });
  if (protocol === null || protocol === "ocpp1.6") return null;
  const items = query.data?.items ?? [];
  return (
    <Section
      title={t("profiles.reported")}
      aside={
        <QuickCommand
          stationId={stationId}
          command={{ kind: "GetChargingProfiles", params: { chargingProfile: {} } }}
          label={t("profiles.read")}
          icon="download"
        />
      }
    >
      {query.isError && <ProblemNote error={query.error} />}
      {items.length === 0 ? (
        <Empty title={t("profiles.noneReported")} />
      ) : (
        <Rows>
          {items.map(({ evseId, source, chargingProfile, reportedAt }, index) => (
            <li key={index} className="px-4 py-3">
              <ReportedName {...{ chargingProfile, evseId }} />
              <p className="text-sm text-ink-2">
                {String(chargingProfile["chargingProfilePurpose"] ?? "")} · {t("profiles.source", { source })}{" "}
                · <When at={reportedAt} timeZone={timeZone} />
              </p>
            </li>
          ))}
        </Rows>
      )}
    </Section>
  );
}

type ReportedProps = { chargingProfile: Record<string, unknown>; evseId: number };

function ReportedName({ chargingProfile, evseId }: ReportedProps) {
  return <p className="font-medium">{useProfileName(chargingProfile, evseId)}</p>;
}
