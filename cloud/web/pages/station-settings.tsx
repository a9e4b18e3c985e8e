/** What is decided about a station as such: whether it is let in, its password, its connection. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { Station } from "../../api/schemas.ts";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Badge } from "../components/badge.tsx";
import { Button } from "../components/button.tsx";
import { Card, Skeleton } from "../components/card.tsx";
import { CheckField, Choices, TextField } from "../components/field.tsx";
import { MayButton } from "../components/may.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { CommandProgress } from "../components/quick-command.tsx";
import { useStation } from "../components/station-context.tsx";
import { When } from "../components/time.tsx";
import { api, newId, stationApi } from "../lib/api.ts";
import { useRefusal } from "../lib/me.ts";
import { commandQuery, passwordQuery } from "../lib/queries.ts";
import { REGISTRATION_LOOK } from "../lib/state.ts";

export function StationSettings() {
  return (
    <div className="max-w-3xl space-y-4">
      <Registration />
      <Password />
      <Connection />
    </div>
  );
}

type PartProps = { title: string; hint: string; badge?: ReactNode; children?: ReactNode };

function Part({ title, hint, badge, children }: PartProps) {
  return (
    <Card className="px-4 py-4 sm:px-5">
      <section aria-label={title}>
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h2 className="font-semibold">{title}</h2>
          {badge}
        </div>
        <p className="mt-0.5 max-w-prose text-sm text-ink-2">{hint}</p>
        <div className="mt-3 flex flex-wrap items-center gap-2">{children}</div>
      </section>
    </Card>
  );
}

/* Let in or held */

function Registration() {
  const t = useTranslations();
  const { station } = useStation();
  const [asking, setAsking] = useState(false);
  const { registration, registrationTold } = station;
  return (
    <Part
      title={t("registration.title")}
      hint={t(`registration.hint.${registration}`)}
      badge={<Badge {...REGISTRATION_LOOK[registration]}>{t(`registration.${registration}`)}</Badge>}
    >
      <MayButton needs="stations:write" onClick={() => setAsking(true)}>
        {t("registration.change")}
      </MayButton>
      {registrationTold !== null && registrationTold !== registration && (
        <p className="text-sm text-amber">{t("registration.told", { status: registrationTold })}</p>
      )}
      {asking && <RegistrationDialog station={station} onClose={() => setAsking(false)} />}
    </Part>
  );
}

const RETRY_S_MAX = 86_400;

function RegistrationDialog({ station, onClose }: { station: Station; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const { stationId } = station;
  const [status, setStatus] = useState<Station["registration"]>(
    station.registration === "Accepted" ? "Pending" : "Accepted",
  );
  const [retry, setRetry] = useState(station.retryIntervalS === null ? "" : String(station.retryIntervalS));
  const held = status !== "Accepted";
  return (
    <AskDialog
      title={t("registration.ask", { station: stationId })}
      action={t(`registration.do.${status}`)}
      danger={held}
      onAct={async () => {
        const retryIntervalS = held && retry !== "" ? { retryIntervalS: Number(retry) } : {};
        const told = await stationApi.register(stationId, { status, ...retryIntervalS });
        client.setQueryData(["station", stationId], told);
      }}
      onClose={onClose}
    >
      <Choices
        legend={t("registration.how")}
        value={status}
        onChange={setStatus}
        choices={(["Accepted", "Pending", "Rejected"] as const).map((value) => ({
          value,
          label: t(`registration.${value}`),
          hint: t(`registration.hint.${value}`),
        }))}
      />
      {held && (
        <TextField
          type="number"
          inputMode="numeric"
          min={1}
          max={RETRY_S_MAX}
          label={t("registration.retry")}
          placeholder="60"
          value={retry}
          onChange={(event) => setRetry(event.target.value)}
        />
      )}
    </AskDialog>
  );
}

/* Password */

function Password() {
  const t = useTranslations();
  const client = useQueryClient();
  const { station, timeZone } = useStation();
  const { stationId } = station;
  const [asking, setAsking] = useState<"set" | "forget" | null>(null);
  const refused = useRefusal()("stations:write");
  const query = useQuery({ ...passwordQuery(stationId), enabled: refused === null });
  const telling = useQuery({
    ...commandQuery(query.data?.commandId ?? ""),
    enabled: (query.data?.commandId ?? null) !== null,
  });
  if (refused !== null) return <Part title={t("password.title")} hint={refused} />;
  if (query.data === undefined)
    return query.isError ? (
      <ProblemNote error={query.error} />
    ) : (
      <Skeleton className="h-36 w-full rounded-xl" />
    );
  const { state, setAt } = query.data;
  return (
    <Part
      title={t("password.title")}
      hint={t(`password.state.${state}`)}
      badge={
        setAt !== null && (
          <span className="text-[0.8125rem] text-ink-3">
            <When at={setAt} timeZone={timeZone} />
          </span>
        )
      }
    >
      <MayButton needs="stations:write" onClick={() => setAsking("set")}>
        {t("password.set")}
      </MayButton>
      {state !== "configured" && (
        <MayButton needs="stations:write" look="ghost" onClick={() => setAsking("forget")}>
          {t("password.forget")}
        </MayButton>
      )}
      {telling.data !== undefined && <CommandProgress made={telling.data} />}
      {asking === "set" && <PasswordDialog onClose={() => setAsking(null)} />}
      {asking === "forget" && (
        <AskDialog
          title={t("password.forgetTitle")}
          action={t("password.forget")}
          onAct={async () => {
            client.setQueryData(["station-password", stationId], await stationApi.forgetPassword(stationId));
          }}
          onClose={() => setAsking(null)}
        >
          <p>{t("password.forgetAsk", { station: stationId })}</p>
        </AskDialog>
      )}
    </Part>
  );
}

/** As long as 1.6 takes it, of letters and digits that no keypad mixes up. */
const PASSWORD_LENGTH = 20;
const LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

function randomPassword(): string {
  // What does not fit a whole number of alphabets is thrown away, so that every letter is as likely.
  const fits = 256 - (256 % LETTERS.length);
  let made = "";
  while (made.length < PASSWORD_LENGTH) {
    const [byte = 0] = crypto.getRandomValues(new Uint8Array(1));
    if (byte < fits) made += LETTERS[byte % LETTERS.length];
  }
  return made;
}

function PasswordDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const { station } = useStation();
  const { stationId } = station;
  const [password, setPassword] = useState("");
  const [tellStation, setTellStation] = useState(station.online);
  return (
    <AskDialog
      title={t("password.setTitle", { station: stationId })}
      action={t("password.set")}
      danger={!tellStation}
      onAct={async () => {
        const told = await stationApi.setPassword(stationId, { password, tellStation });
        client.setQueryData(["station-password", stationId], told);
        await client.invalidateQueries({ queryKey: ["commands", stationId] });
      }}
      onClose={onClose}
    >
      <TextField
        label={t("password.new")}
        hint={t("password.newHint")}
        required
        minLength={1}
        maxLength={64}
        autoComplete="off"
        spellCheck={false}
        className="font-mono"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Button small icon="restart" onClick={() => setPassword(randomPassword())}>
        {t("password.random")}
      </Button>
      <CheckField
        label={t("password.tell")}
        hint={t(tellStation ? "password.tellHint" : "password.silentHint")}
        checked={tellStation}
        onChange={setTellStation}
      />
    </AskDialog>
  );
}

/* Connection */

function Connection() {
  const t = useTranslations();
  const client = useQueryClient();
  const { stationId, online } = useStation().station;
  const [asking, setAsking] = useState(false);
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  return (
    <Part title={t("connection.title")} hint={t("connection.hint")}>
      <MayButton
        needs="commands:send"
        icon="x"
        disabled={!online}
        onClick={() => (setAsking(true), setIdempotencyKey(newId()))}
      >
        {t("intent.CloseConnection")}
      </MayButton>
      {!online && <p className="text-sm text-ink-2">{t("connection.none")}</p>}
      {asking && (
        <AskDialog
          title={t("connection.ask", { station: stationId })}
          action={t("intent.CloseConnection")}
          onAct={async () => {
            await api.sendCommand(stationId, { kind: "CloseConnection", params: {} }, idempotencyKey);
            await client.invalidateQueries({ queryKey: ["commands", stationId] });
          }}
          onClose={() => setAsking(false)}
        >
          <p>{t("connection.askHint")}</p>
        </AskDialog>
      )}
    </Part>
  );
}
