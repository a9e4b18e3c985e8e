/**
 * After a station has come back, whoever was away: what the ER does not hear by itself, it asks for.
 *
 * A running transaction goes on as it was known. When nothing is heard of it on the new connection, the station
 * is asked for its readings, and for the state of its connectors where it did not tell. Asked once per connection.
 */
import { upkeepCall, type Upkeep } from "../../shared/ocpp/upkeep.ts";
import { callByItself } from "./calls.ts";
import type { Context } from "./context.ts";
import type { Connection } from "./types.ts";

/** A station that has something to tell tells it within this time. */
const PATIENCE_MS = 10_000;
/** … and what it is within this. */
const BOOT_PATIENCE_MS = 60_000;

export function onResumeTick(context: Context): void {
  for (const connection of context.state.live.connections.values()) {
    askForBoot(context, connection);
    if (connection.resumed || !connection.talked) continue;
    if (context.now.upMs - connection.openedUpMs < PATIENCE_MS) continue;
    connection.resumed = true;
    resume(context, connection);
  }
}

/** Some tell the state of their connectors but never by themselves what they are. */
function askForBoot(context: Context, connection: Connection): void {
  if (connection.booted !== undefined || !connection.toldStatus) return;
  if (context.now.upMs - connection.openedUpMs < BOOT_PATIENCE_MS) return;
  connection.booted = false;
  const known = context.state.durable.stations.get(connection.stationId)?.make !== undefined;
  if (!known) ask(context, connection, { kind: "trigger", message: "boot" });
}

function resume(context: Context, connection: Connection): void {
  const { durable } = context.state;
  const { stationId, named, toldStatus } = connection;
  const station = durable.stations.get(stationId);
  if (station === undefined) return;
  // Only where something was known: a station that is new tells everything by itself.
  if (!toldStatus && station.connectors.size > 0)
    ask(context, connection, { kind: "trigger", message: "status" });
  for (const transactionId of station.open) {
    const transaction = durable.transactions.get(transactionId);
    if (transaction === undefined || named.has(transactionId)) continue;
    const { evseId } = transaction;
    ask(context, connection, {
      ...{ kind: "trigger", message: "transaction" },
      ...(evseId === 0 ? {} : { evseId }),
    });
  }
}

function ask(context: Context, { stationId, protocol }: Connection, wanted: Upkeep): void {
  const call = upkeepCall(protocol, wanted);
  if (call !== undefined) callByItself(context, stationId, call, { cause: "resume", background: true });
}
