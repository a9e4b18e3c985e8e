/**
 * Files, as the core sees them: commands that need one get an address at the box first, and what stations have
 * left here is journalled, until the cloud has it.
 *
 * A command that waits for its firmware is not accepted yet: the cloud sends it again, so nothing of the waiting
 * has to survive a restart. Who fetches, serves and forwards is the shell's business.
 */
import type { Command } from "../../shared/command.ts";
import { fieldsOf } from "../../shared/given.ts";
import type { StationVariable } from "../../shared/ocpp/message.ts";
import { effect, record, type Context } from "./context.ts";
import type { FileProtocol, WantedFile } from "./file-types.ts";
import type { Input, StationState } from "./types.ts";

type Fields = Record<string, unknown>;

/** The file that a command needs at the box; undefined: none, its parameters say all. */
function wantedBy(command: Command): "firmware" | "upload" | undefined {
  const params: Fields = command.params;
  if (command.kind === "UpdateFirmware") {
    const { fileId, location } = fieldsOf(params["firmware"]);
    return fileId !== undefined && location === undefined ? "firmware" : undefined;
  }
  if (command.kind !== "GetLog") return undefined;
  return fieldsOf(params["log"])["remoteLocation"] === undefined ? "upload" : undefined;
}

/** The command with the address in its place, and without what only the box needed to know. */
function withLocation(command: Command, location: string): Command {
  const { transfer: _transfer, ...rest } = command;
  const params: Fields = command.params;
  const [key, value] =
    command.kind === "UpdateFirmware"
      ? ["firmware", { ...fieldsOf(params["firmware"]), location }]
      : ["log", { ...fieldsOf(params["log"]), remoteLocation: location }];
  return { ...rest, params: { ...params, [key]: value } } as Command;
}

function wantedFile(command: Command): WantedFile | { refused: string } {
  const { transfer } = command;
  if (transfer === undefined)
    return { refused: "the cloud does not say where the file is to come from or to go" };
  const { url, token, sha256, size, name } = transfer;
  if (command.kind === "GetLog") return { kind: "upload", transfer: { url, token } };
  if (sha256 === undefined || size === undefined)
    return { refused: "the cloud does not have this firmware any more" };
  return { kind: "firmware", transfer: { url, token, sha256, size, name: name ?? "firmware" } };
}

/** What the station can speak, by what it has said of itself; else what the site is set to. */
function protocolFor(context: Context, stationId: string): FileProtocol {
  const told = context.state.durable.stations.get(stationId)?.fileProtocols;
  if (told === undefined) return context.state.identity.fileProtocol ?? "http";
  const names = new Set(told.toUpperCase().split(/[\s,;]+/));
  return names.has("FTP") && !names.has("HTTP") ? "ftp" : "http";
}

/**
 * @returns the command, ready to be called; `{refused}`; or undefined: its file is being prepared, and
 * the shell's answer goes on with it.
 */
export function withFile(
  context: Context,
  command: Command,
  deadlineUpMs: number,
): Command | { refused: string } | undefined {
  if (wantedBy(command) === undefined) return command;
  const { live } = context.state;
  const { commandId, stationId } = command;
  const under = live.preparing.get(commandId);
  if (under !== undefined)
    return under.location === undefined ? undefined : withLocation(command, under.location);
  const wanted = wantedFile(command);
  if ("refused" in wanted) return wanted;
  const connectionId = live.byStation.get(stationId);
  if (connectionId === undefined) return { refused: "the station is offline" };
  live.preparing.set(commandId, { command, deadlineUpMs });
  const withinMs = Math.max(0, deadlineUpMs - context.now.upMs);
  const protocol = protocolFor(context, stationId);
  effect(context, { kind: "files.prepare", commandId, stationId, connectionId, protocol, withinMs, wanted });
  return undefined;
}

type Received = Extract<Input, { kind: "files.received" }>;

/** Told by the shell when it came, and again at every start as long as it lies here. */
export function onFileReceived(context: Context, input: Received): void {
  const { kind: _kind, ...file } = input;
  if (!context.state.durable.uploads.has(file.uploadId)) record(context, { kind: "file.received", ...file });
}

/** The shell keeps it until this is journalled: then it may go. */
export function onFileForwarded(context: Context, input: Extract<Input, { kind: "files.forwarded" }>): void {
  const { uploadId, result } = input;
  const upload = context.state.durable.uploads.get(uploadId);
  if (upload !== undefined)
    record(context, { kind: "file.forwarded", uploadId, stationId: upload.stationId, result });
  effect(context, { kind: "files.drop", uploadId });
}

const TOLD_BY: Record<string, string> = {
  "": "SupportedFileTransferProtocols",
  OCPPCommCtrlr: "FileTransferProtocols",
};

/** What a station tells of its configuration: how it can move files. */
export function foldFileProtocols(station: StationState, variables: readonly StationVariable[]): void {
  for (const { component, variable, value } of variables) {
    if (value === undefined || value === "") continue;
    if (variable === TOLD_BY[component] || variable === TOLD_BY[""])
      station.fileProtocols = value.slice(0, 200);
  }
}
