/**
 * The questions before a command: what it needs to know, and a confirmation in words that name the thing.
 *
 * One Idempotency-Key per opened question: pressing twice, or again after an error, sends one command.
 */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { NewCommand, Page, CommandView, Station } from "../../api/schemas.ts";
import { api, newId } from "../lib/api.ts";
import { connectorName } from "../lib/attention.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { Choices, SelectField, TextField } from "./field.tsx";
import { ProblemNote } from "./problem.tsx";

/** What was asked for; `evseId` and `transactionId` when the question began at one connector. */
export type Question =
  | { kind: "start"; evseId?: number }
  | { kind: "stop"; transactionId: string; evseId: number }
  | { kind: "unlock"; evseId: number; connectorId: number }
  | { kind: "reset" | "availability" | "trigger" };

type Props<Q extends Question> = { station: Station; question: Q; onClose: () => void };

export function CommandDialog({ station, question, onClose }: Props<Question>) {
  switch (question.kind) {
    case "start":
      return <StartDialog {...{ station, question, onClose }} />;
    case "stop":
      return <StopDialog {...{ station, question, onClose }} />;
    case "unlock":
      return <UnlockDialog {...{ station, question, onClose }} />;
    case "reset":
      return <ResetDialog {...{ station, onClose }} />;
    case "availability":
      return <AvailabilityDialog {...{ station, onClose }} />;
    case "trigger":
      return <TriggerDialog {...{ station, onClose }} />;
  }
}

type FrameProps = {
  station: Station;
  title: string;
  action: string;
  danger?: boolean;
  /** A person stands in front of the station: the command does not wait for it to come back. */
  immediate?: boolean;
  command: () => NewCommand;
  onClose: () => void;
  children?: ReactNode;
};

/** The form around every question: sends, shows what went wrong, closes when the cloud has taken it. */
function Frame({
  station,
  title,
  action,
  danger = false,
  immediate = false,
  command,
  onClose,
  children,
}: FrameProps) {
  const t = useTranslations();
  const client = useQueryClient();
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const { stationId } = station;
  const send = useMutation({
    mutationFn: () => api.sendCommand(stationId, command(), idempotencyKey),
    onSuccess: (made) => {
      client.setQueryData<Page<CommandView>>(["commands", stationId], (known) =>
        known === undefined || known.items.some((item) => item.commandId === made.commandId)
          ? known
          : { ...known, items: [made, ...known.items] },
      );
      void client.invalidateQueries({ queryKey: ["commands", stationId] });
      onClose();
    },
  });
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="space-y-4"
        // A changed form is another command.
        onChange={() => send.isError && (send.reset(), setIdempotencyKey(newId()))}
        onSubmit={(event) => {
          event.preventDefault();
          if (!send.isPending) send.mutate();
        }}
      >
        {children}
        {!station.online && (
          <p className="rounded-lg bg-amber-soft px-3 py-2 text-sm text-amber">
            {t(immediate ? "command.offlineImmediate" : "command.offlineWaits", { station: stationId })}
          </p>
        )}
        {send.isError && <ProblemNote error={send.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look={danger ? "danger" : "primary"} disabled={send.isPending}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function StartDialog({ station, question, onClose }: Props<Extract<Question, { kind: "start" }>>) {
  const t = useTranslations();
  const [token, setToken] = useState("");
  const [evse, setEvse] = useState(question.evseId === undefined ? "" : String(question.evseId));
  const tokens = useQuery({
    queryKey: ["tokens", "pick"],
    queryFn: ({ signal }) => api.idTokens({ limit: 200 }, signal),
  });
  const evses = [...new Set(station.connectors.map((connector) => connector.evseId))];
  const command = (): NewCommand => ({
    kind: "RequestStartTransaction",
    params: { idToken: { idToken: token.trim() }, ...(evse === "" ? {} : { evseId: Number(evse) }) },
  });
  return (
    <Frame
      {...{ station, command, onClose }}
      immediate
      title={t("start.title", { station: station.stationId })}
      action={t("start.action")}
    >
      <TextField
        label={t("start.token")}
        hint={t("start.tokenHint")}
        value={token}
        onChange={(event) => setToken(event.target.value)}
        list="known-tokens"
        required
        maxLength={36}
        autoComplete="off"
        className="font-mono"
      />
      <datalist id="known-tokens">
        {tokens.data?.items
          .filter((one) => one.status === "Accepted")
          .map((one) => (
            <option key={one.idToken} value={one.idToken}>
              {one.label ?? ""}
            </option>
          ))}
      </datalist>
      {evses.length > 1 && (
        <SelectField label={t("start.evse")} value={evse} onChange={(event) => setEvse(event.target.value)}>
          <option value="">{t("start.anyEvse")}</option>
          {evses.map((id) => (
            <option key={id} value={id}>
              {t("common.evse", { evse: String(id) })}
            </option>
          ))}
        </SelectField>
      )}
    </Frame>
  );
}

function StopDialog({ station, question, onClose }: Props<Extract<Question, { kind: "stop" }>>) {
  const t = useTranslations();
  const { transactionId, evseId } = question;
  const command = (): NewCommand => ({ kind: "RequestStopTransaction", params: { transactionId } });
  const names = { station: station.stationId, evse: String(evseId) };
  return (
    <Frame {...{ station, command, onClose }} danger title={t("stop.title")} action={t("stop.action")}>
      <p>{t("stop.ask", names)}</p>
    </Frame>
  );
}

function UnlockDialog({ station, question, onClose }: Props<Extract<Question, { kind: "unlock" }>>) {
  const t = useTranslations();
  const { evseId, connectorId } = question;
  const command = (): NewCommand => ({ kind: "UnlockConnector", params: { evseId, connectorId } });
  const names = { station: station.stationId, connector: connectorName(question) };
  return (
    <Frame
      {...{ station, command, onClose }}
      immediate
      danger
      title={t("unlock.title", names)}
      action={t("unlock.action")}
    >
      <p>{t("unlock.ask")}</p>
    </Frame>
  );
}

type Plain = { station: Station; onClose: () => void };

function ResetDialog({ station, onClose }: Plain) {
  const t = useTranslations();
  const [type, setType] = useState<"OnIdle" | "Immediate">("OnIdle");
  const running = station.connectors.filter((connector) => connector.transactionId !== null).length;
  const command = (): NewCommand => ({ kind: "Reset", params: { type } });
  const title = t("reset.title", { station: station.stationId });
  return (
    <Frame {...{ station, command, onClose, title }} danger={type === "Immediate"} action={t("reset.action")}>
      <Choices
        legend={t("reset.when")}
        value={type}
        onChange={setType}
        choices={[
          { value: "OnIdle", label: t("reset.onIdle"), hint: t("reset.onIdleHint") },
          {
            value: "Immediate",
            label: t("reset.immediate"),
            hint: t("reset.immediateHint", { count: running }),
          },
        ]}
      />
    </Frame>
  );
}

function AvailabilityDialog({ station, onClose }: Plain) {
  const t = useTranslations();
  const out =
    station.connectors.length > 0 &&
    station.connectors.every((connector) => connector.status === "Unavailable");
  const [status, setStatus] = useState<"Operative" | "Inoperative">(out ? "Operative" : "Inoperative");
  const [evse, setEvse] = useState("");
  const evses = [...new Set(station.connectors.map((connector) => connector.evseId))];
  const command = (): NewCommand => ({
    kind: "ChangeAvailability",
    params: { operationalStatus: status, ...(evse === "" ? {} : { evseId: Number(evse) }) },
  });
  const title = t("availability.title", { station: station.stationId });
  return (
    <Frame
      {...{ station, command, onClose, title }}
      danger={status === "Inoperative"}
      action={t(`availability.do${status}`)}
    >
      <Choices
        legend={t("availability.state")}
        value={status}
        onChange={setStatus}
        choices={[
          { value: "Operative", label: t("availability.operative"), hint: t("availability.operativeHint") },
          {
            value: "Inoperative",
            label: t("availability.inoperative"),
            hint: t("availability.inoperativeHint"),
          },
        ]}
      />
      {evses.length > 1 && (
        <SelectField
          label={t("availability.what")}
          value={evse}
          onChange={(event) => setEvse(event.target.value)}
        >
          <option value="">{t("availability.whole")}</option>
          {evses.map((id) => (
            <option key={id} value={id}>
              {t("common.evse", { evse: String(id) })}
            </option>
          ))}
        </SelectField>
      )}
    </Frame>
  );
}

/** Messages that a station may be asked to send; the first ones are in 1.6 as well. */
const MESSAGES_16 = [
  "StatusNotification",
  "MeterValues",
  "BootNotification",
  "Heartbeat",
  "FirmwareStatusNotification",
  "DiagnosticsStatusNotification",
];
const MESSAGES_201 = [
  "StatusNotification",
  "MeterValues",
  "TransactionEvent",
  "BootNotification",
  "Heartbeat",
  "FirmwareStatusNotification",
  "LogStatusNotification",
];

function TriggerDialog({ station, onClose }: Plain) {
  const t = useTranslations();
  const messages = station.protocol === "ocpp1.6" ? MESSAGES_16 : MESSAGES_201;
  const [requestedMessage, setMessage] = useState(messages[0] ?? "");
  const command = (): NewCommand => ({ kind: "TriggerMessage", params: { requestedMessage } });
  const title = t("trigger.title", { station: station.stationId });
  return (
    <Frame {...{ station, command, onClose, title }} immediate action={t("trigger.action")}>
      <SelectField
        label={t("trigger.message")}
        hint={t("trigger.hint")}
        value={requestedMessage}
        onChange={(event) => setMessage(event.target.value)}
      >
        {messages.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </SelectField>
    </Frame>
  );
}
