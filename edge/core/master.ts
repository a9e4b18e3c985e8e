/**
 * A master token at an OCPP 1.6 reader: it may end any transaction, but such a station does not know of it. The
 * ER ends the one that is meant, if it can tell which.
 *
 * OCPP 2.0.1 stations have a master pass of their own (C16) and need no help.
 */
import { upkeepCall } from "../../shared/ocpp/upkeep.ts";
import { callByItself } from "./calls.ts";
import { log, type Context } from "./context.ts";
import type { OpenTransaction } from "./open-transaction.ts";
import type { Connection } from "./types.ts";

/** A connector where something happened this long ago is the one that the person stands at. */
const JUST_NOW_MS = 60_000;

/** @returns a flag for the entry: what the card led to. */
export function onMasterToken(context: Context, connection: Connection): string | undefined {
  const { durable } = context.state;
  const { stationId, protocol } = connection;
  if (protocol !== "ocpp1.6") return undefined;
  const station = durable.stations.get(stationId);
  const running = (station?.open ?? [])
    .map((id) => durable.transactions.get(id))
    .filter((t): t is OpenTransaction => t !== undefined);
  if (running.length === 0) return undefined;
  const touched = running.filter((t) =>
    [...(station?.connectors.values() ?? [])].some(
      (c) => c.evseId === t.evseId && context.now.at - c.at < JUST_NOW_MS,
    ),
  );
  const [meant, ...others] = running.length === 1 ? running : touched;
  if (meant === undefined || others.length > 0) {
    log(context, "warn", "a master token was shown where several transactions run: stop one from the page", {
      stationId,
      transactions: running.length,
    });
    return "master-ambiguous";
  }
  const { transactionId, ocppTransactionId } = meant;
  const call = upkeepCall(protocol, { kind: "stop", ocppTransactionId });
  if (call !== undefined) callByItself(context, stationId, call, { cause: "master-stop", transactionId });
  return "master-stop";
}
