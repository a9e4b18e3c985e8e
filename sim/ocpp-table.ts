/**
 * docs/ocpp.md, made from the code: every message of every version, who sends it, what becomes of it here.
 *
 * `npm run ocpp-table` writes it; a test compares. A message without a place in it is a hole: `tableOf` throws.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { COMMAND_KINDS, type CommandBody } from "../shared/command.ts";
import { PROTOCOLS, type Protocol } from "../shared/entry.ts";
import { COMMAND_SAMPLES } from "../shared/ocpp/command-samples.ts";
import { dialectOf, isFromStation } from "../shared/ocpp/dialect.ts";
import type { StationMessage } from "../shared/ocpp/message.ts";
import { actionsOf, schemaOf } from "../shared/ocpp/schemas.ts";
import { trialCall } from "../shared/ocpp/trial-call.ts";

export const TABLE_FILE = fileURLToPath(new URL("../docs/ocpp.md", import.meta.url));

/** What becomes of a message. A new kind of message does not compile without its words. */
const BECOMES: Record<StationMessage["kind"], string> = {
  booted: "registers the station; answered with the time and the heartbeat interval",
  heartbeat: "answered with the time; not stored, but when the station was last heard",
  status: "state of a connector; stored when it changes",
  authorize: "decided: asked of the SG where it is there in time, else by the site's policy",
  transaction:
    "decided and stored; every transaction has one id of ours, whatever order its messages come in",
  sampled: "readings; of a transaction where one runs there",
  data: "stored; answered `UnknownVendorId`: nobody here understood it",
  "firmware-status": "how an update goes on: at the station, and at the command that asked for it",
  "publish-status": "how publishing goes on: at the command that asked for it",
  "log-status": "how an upload goes on: at the station, and at the command that asked for it",
  "security-event": "an event of the station",
  events: "events of the station, one by one",
  report: "a part of what a command asked for: at that command; variables also in the configuration",
  reservation: "ends the reservation",
  "charging-limit": "an event of the station: somebody else limits it, or does no more",
  "charging-needs": "an event of the station; passed on to who plans schedules, else answered `Rejected`",
  "sign-certificate": "waits in the SG for somebody who signs (`CertificateSigned`)",
  "pass-on":
    "asked of the SG, which passes it on to the service that is configured; else answered that nobody could say",
  other: "stored as it is",
};

type Schema = Record<string, unknown>;

/** The smallest value that fits a schema of the standard: what is required, and nothing else. */
export function smallest(schema: Schema, root: Schema = schema): unknown {
  const reference = schema["$ref"];
  if (typeof reference === "string") {
    const definitions = root["definitions"] as Record<string, Schema>;
    return smallest(definitions[reference.replace("#/definitions/", "")] ?? {}, root);
  }
  const words = schema["enum"] as unknown[] | undefined;
  if (words !== undefined) return words[0];
  switch (schema["type"]) {
    case "object": {
      const properties = (schema["properties"] ?? {}) as Record<string, Schema>;
      const required = (schema["required"] ?? []) as string[];
      return Object.fromEntries(required.map((name) => [name, smallest(properties[name] ?? {}, root)]));
    }
    case "array": {
      const items = (schema["items"] ?? {}) as Schema;
      return Array.from({ length: Number(schema["minItems"] ?? 0) }, () => smallest(items, root));
    }
    case "string":
      return schema["format"] === "date-time" ? "2026-11-22T12:00:00Z" : "x";
    case "integer":
    case "number":
      return Number(schema["minimum"] ?? 0);
    case "boolean":
      return false;
    default:
      return {};
  }
}

const firmware = { location: "http://er/fw.bin", signature: "c2ln", signingCertificate: "PEM" };

/** Commands that become another message by what they ask for. */
const VARIANTS: CommandBody[] = [
  { kind: "GetLog", params: { logType: "DiagnosticsLog" } },
  { kind: "GetLog", params: { logType: "SecurityLog" } },
  { kind: "UpdateFirmware", params: { firmware } },
  { kind: "TriggerMessage", params: { requestedMessage: "SignChargingStationCertificate" } },
];

/** Which commands become which action of this version. */
function commandsOf(protocol: Protocol): Map<string, string[]> {
  const commands = new Map<string, Set<string>>();
  const samples = COMMAND_KINDS.map((kind) => ({ kind, params: COMMAND_SAMPLES[kind] }) as CommandBody);
  for (const command of [...samples, ...VARIANTS]) {
    if (command.kind === "Call") continue;
    const call = trialCall(protocol, command);
    if ("action" in call)
      commands.set(call.action, (commands.get(call.action) ?? new Set()).add(command.kind));
  }
  return new Map([...commands].map(([action, kinds]) => [action, [...kinds]]));
}

/** What the ER sends by itself, where no command's name says it. */
const BY_ITSELF: Record<string, string> = {
  "ocpp2.0.1 CostUpdated":
    "; by itself while a transaction runs, where there is a tariff and the station shows costs",
  "ocpp2.1 CostUpdated":
    "; by itself while a transaction runs, where there is a tariff and the station shows costs",
  "ocpp1.6 DataTransfer":
    "; by itself the price, the running and the final cost, where there is a tariff and the station shows costs",
};

export type Row = { action: string; from: "station" | "ER"; becomes: string };

/** @throws Error for a message of the standard that has no place here. */
export function tableOf(protocol: Protocol): Row[] {
  const commands = commandsOf(protocol);
  const rows = actionsOf(protocol).flatMap((action): Row[] => {
    const own = commands.get(action);
    const names = (own ?? ["Call"]).map((kind) => `\`${kind}\``);
    const asked: Row = {
      ...{ action, from: "ER" },
      becomes: `command ${names.join(", ")}${BY_ITSELF[`${protocol} ${action}`] ?? ""}`,
    };
    if (!isFromStation(protocol, action)) return [asked];
    const request = smallest(schemaOf(protocol, action, "Request") ?? {}) as Record<string, unknown>;
    const { kind } = dialectOf(protocol).read(action, request);
    const told: Row = { action, from: "station", becomes: BECOMES[kind] };
    return own === undefined ? [told] : [told, asked];
  });
  const hole = rows.find((row) => row.from === "station" && row.becomes === undefined);
  if (hole !== undefined) throw new Error(`${protocol} ${hole.action} has no place in docs/ocpp.md`);
  return rows;
}

const line = (cells: string[]) => `| ${cells.join(" | ")} |`;

export function renderTable(): string {
  const parts = PROTOCOLS.map((protocol) => {
    const rows = tableOf(protocol);
    const count = new Set(rows.map((row) => row.action)).size;
    return [
      `## OCPP ${protocol.slice("ocpp".length)} (${count} messages)`,
      "",
      line(["message", "sent by", "what becomes of it"]),
      "|---|---|---|",
      ...rows.map(({ action, from, becomes }) => line([`\`${action}\``, from, becomes])),
    ].join("\n");
  });
  return `# OCPP messages

Made from the code by \`npm run ocpp-table\`. Every message is checked against the official schema of its version,
read tolerantly (docs/stations.md) and written strictly; every one of a station is in the raw timeline, byte for byte.
A command is one of the API (\`POST /v1/stations/{stationId}/commands\`); \`Call\` sends any message of the version as
it stands.

${parts.join("\n\n")}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TABLE_FILE, renderTable());
