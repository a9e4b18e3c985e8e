/**
 * What a station tells of itself → changes: reports, variables, events, requests for certificates. Pure.
 *
 * Messages of stations have passed the schema; their answers to our calls may have any shape, and are read as far
 * as they can be. What is odd (a name beyond all bounds, a number that is none) is left out here and stays in
 * the raw frame.
 */
import type { EntryOf } from "../../shared/entry.ts";
import { defined, given, text } from "../../shared/given.ts";
import { dialectOf } from "../../shared/ocpp/dialect.ts";
import { parseFrame } from "../../shared/ocpp/frame.ts";
import type { StationEvent, StationMessage, StationVariable } from "../../shared/ocpp/message.ts";
import { isSecret, maskSecrets } from "../../shared/ocpp/secrets.ts";
import type { Changes, EventRow, ReportRow, VariableChange } from "./changes.ts";

type Fields = Record<string, unknown>;
type Told = { seq: number; at: number };

/** Of a component or variable, and of its instance; the standard allows 50. */
const NAME_LENGTH_MAX = 100;
const INTEGER_MAX = 2 ** 31 - 1;
const ATTRIBUTES: ReadonlySet<string> = new Set(["Actual", "Target", "MinSet", "MaxSet"]);

const whole = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;

/** As PostgreSQL holds it: the key of a row must be the one that is looked for. */
const clean = (value: string): string => value.toWellFormed().replaceAll("\0", "\ufffd");

const isName = (value: string | undefined) => value === undefined || value.length <= NAME_LENGTH_MAX;
const isId = (value: number | undefined) =>
  value === undefined || (Number.isInteger(value) && value >= 0 && value <= INTEGER_MAX);

/** Names are compared without regard to case, as the standard does. Begins with what it is sorted by. */
function keyOf(v: StationVariable): string {
  const names = [
    ...[v.component, v.componentInstance ?? "", v.evseId ?? -1, v.connectorId ?? -1],
    ...[v.variable, v.variableInstance ?? "", v.attribute],
  ];
  return JSON.stringify(names.map((name) => (typeof name === "string" ? clean(name).toLowerCase() : name)));
}

/** The latest word on its value counts; what kind of variable it is stays known until it is told anew. */
function addVariable(
  changes: Changes,
  stationId: string,
  variable: StationVariable,
  { source, ...told }: Told & { source: string },
): void {
  const { component, componentInstance, evseId, connectorId, variableInstance, attribute } = variable;
  const names = [component, componentInstance, variable.variable, variableInstance];
  const odd = !names.every(isName) || !isId(evseId) || !isId(connectorId) || !ATTRIBUTES.has(attribute);
  if (odd || variable.variable === "") return;
  const key = keyOf(variable);
  const before = changes.variables.get(`${stationId} ${key}`);
  const secret = isSecret(variable.variable);
  const row: VariableChange = defined({
    ...{ station_id: stationId, variable_key: key, attribute },
    component: clean(component),
    component_instance: componentInstance,
    evse_id: evseId,
    connector_id: connectorId,
    variable: clean(variable.variable),
    variable_instance: variableInstance,
    value: secret ? undefined : variable.value,
    secret,
    mutability: variable.mutability ?? before?.mutability,
    unit: variable.unit ?? before?.unit,
    data_type: variable.dataType ?? before?.data_type,
    ...{ read_at: told.at, seq: told.seq, source },
  });
  changes.variables.set(`${stationId} ${key}`, row);
}

/** Nothing more comes after these. */
const FINAL: ReadonlySet<string> = new Set([
  ...["Installed", "InstallationFailed", "DownloadFailed", "InstallVerificationFailed"],
  ...["InvalidSignature", "Published", "PublishFailed", "InvalidChecksum"],
  ...["Uploaded", "UploadFailed", "UploadFailure", "BadMessage", "NotSupportedOperation", "PermissionDenied"],
  ...["AcceptedCanceled"],
]);

const STATUS_OF = {
  "firmware-status": "firmware",
  "publish-status": "publish",
  "log-status": "log",
} as const;

type StatusMessage = Extract<StationMessage, { kind: keyof typeof STATUS_OF }>;

function reportOf(
  message: StationMessage,
): Pick<ReportRow, "of" | "request_id" | "seq_no" | "last"> | undefined {
  if (message.kind === "report") {
    const { of, last } = message;
    return defined({ of, last, request_id: whole(message.requestId), seq_no: whole(message.seqNo) });
  }
  if (!(message.kind in STATUS_OF)) return undefined;
  const { kind, status, requestId } = message as StatusMessage;
  // Asked for, when nothing goes on.
  if (status === "Idle" && requestId === undefined) return undefined;
  return defined({ of: STATUS_OF[kind], last: FINAL.has(status), request_id: whole(requestId) });
}

type EventFacts = Pick<EventRow, "type"> & Partial<EventRow>;

function eventFacts({ component, variable, evseId, at, ...event }: StationEvent): EventFacts {
  const { severity, cleared, ...detail } = event;
  return defined({
    type: `${component}.${variable}`,
    ...{ severity: whole(severity), cleared, told_at: at, evse_id: whole(evseId), detail },
  });
}

/** What a person would want to see of it among the events of the station. */
function eventsOf(message: StationMessage, payload: Fields): EventFacts[] {
  switch (message.kind) {
    case "security-event": {
      const { type, techInfo, at } = message;
      const detail = techInfo === undefined ? undefined : { techInfo };
      return [defined({ type, told_at: at, detail })];
    }
    case "events":
      return message.events.map(eventFacts);
    case "charging-limit": {
      const { source: type, cleared, evseId } = message;
      return [defined({ type, cleared, evse_id: whole(evseId), detail: payload })];
    }
    case "charging-needs": {
      const needs = payload["chargingNeeds"] as Fields | undefined;
      const type = text(needs?.["requestedEnergyTransfer"]) ?? "";
      return [defined({ type, evse_id: whole(message.evseId), detail: payload })];
    }
    case "firmware-status":
    case "publish-status":
    case "log-status":
      return [{ type: message.status, detail: payload }];
    case "reservation":
      return [{ type: message.status, detail: { reservationId: message.reservationId } }];
    default:
      return [];
  }
}

/** One event of several that came together. */
const eventKind = ({ kind }: StationMessage): string => (kind === "events" ? "event" : kind);

/** A station's message: the facts that are not those of a transaction, a connector or a boot. */
export function applyFacts(
  changes: Changes,
  entry: EntryOf<"ocpp.handled">,
  message: StationMessage,
  payload: Fields,
  stationId: string,
): void {
  const { seq, at, upMs: up_ms, action } = entry;
  const place = { seq, at, up_ms, station_id: stationId };
  const report = reportOf(message);
  if (report !== undefined)
    changes.reports.push({ ...place, ...report, action, payload: maskSecrets(action, payload) });
  for (const [idx, event] of eventsOf(message, payload).entries()) {
    // A time before there was any is none.
    const { told_at, ...facts } = event;
    const told = told_at !== undefined && told_at >= 0 ? told_at : undefined;
    changes.events.push({ ...place, idx, kind: eventKind(message), ...facts, ...given("told_at", told) });
  }
  if (message.kind === "report")
    for (const variable of message.variables)
      addVariable(changes, stationId, variable, { seq, at, source: action });
  if (message.kind === "sign-certificate")
    changes.certificateRequests.push({
      ...{ ...place, csr: message.csr },
      ...given("certificate_type", message.certificateType),
      ...given("request_id", whole(message.requestId)),
    });
}

/** Our call and its answer: under which id the station reports to it, and what the answer tells. */
export function applyCalled(changes: Changes, entry: EntryOf<"ocpp.called">, stationId: string): void {
  const { seq, at, action, protocol, commandId } = entry;
  const call = parseFrame(entry.request);
  if (call.type !== "call") return;
  const requestId = whole(call.payload["requestId"]);
  if (commandId !== undefined && requestId !== undefined) {
    const command = changes.commands.get(commandId) ?? { command_id: commandId };
    changes.commands.set(commandId, { ...command, request_id: requestId });
  }
  const answer = entry.response === undefined ? undefined : parseFrame(entry.response);
  if (answer?.type !== "result") return;
  for (const variable of dialectOf(protocol).variables(action, call.payload, answer.payload))
    addVariable(changes, stationId, variable, { seq, at, source: action });
  if (action === "CertificateSigned" && answer.payload["status"] === "Accepted")
    changes.certificateAnswers.push({
      ...{ seq, at, station_id: stationId },
      ...given("certificate_type", text(call.payload["certificateType"])),
      ...given("request_id", requestId),
      ...given("command_id", commandId),
    });
}
