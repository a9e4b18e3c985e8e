/**
 * Commands whose list is longer than their station takes in one message (OCPP 2.0.1 B05.FR.11, B06.FR.16,
 * N04.FR.09, N06.FR.04; 1.6 GetConfigurationMaxKeys): they go in several CALLs, one after the other, and their
 * answers are put together again.
 *
 * A part that fails ends the command; what was answered before stands in the journal of calls.
 */
import type { Call } from "../../shared/ocpp/dialect.ts";
import { habitsOf } from "../../shared/ocpp/quirks.ts";
import type { Setting } from "../../shared/ocpp/upkeep.ts";
import type { OutgoingCall, StationState } from "./types.ts";

type Fields = Record<string, unknown>;

/** Which list of the request is divided, which of the answer are joined, and what the station says of its length. */
const LISTS: Record<string, { asked: string; answered: readonly string[]; limit: Setting }> = {
  GetConfiguration: { asked: "key", answered: ["configurationKey", "unknownKey"], limit: "itemsPerRead" },
  GetVariables: { asked: "getVariableData", answered: ["getVariableResult"], limit: "itemsPerRead" },
  SetVariables: { asked: "setVariableData", answered: ["setVariableResult"], limit: "itemsPerWrite" },
  SetVariableMonitoring: {
    ...{ asked: "setMonitoringData", answered: ["setMonitoringResult"], limit: "monitorsPerWrite" },
  },
  ClearVariableMonitoring: {
    ...{ asked: "id", answered: ["clearMonitoringResult"], limit: "monitorsPerClear" },
  },
};

/** The first part of a call, and what is left of it; the call itself where the station takes it whole. */
export function inParts(
  { provision, make }: StationState,
  call: Call,
): Pick<OutgoingCall, keyof Call | "parts"> {
  const list = LISTS[call.action];
  const items = list === undefined ? undefined : call.payload[list.asked];
  if (list === undefined || !Array.isArray(items)) return call;
  const told = Number(provision?.settings[list.limit]?.value);
  const most = list.limit === "itemsPerRead" ? habitsOf(make).keysPerReadMax : undefined;
  const limit = Math.min(told >= 1 ? Math.trunc(told) : Infinity, most ?? Infinity);
  if (items.length <= limit) return call;
  const payloads: Fields[] = [];
  for (let from = 0; from < items.length; from += limit)
    payloads.push({ ...call.payload, [list.asked]: items.slice(from, from + limit) });
  const [payload = call.payload, ...rest] = payloads;
  return { action: call.action, payload, parts: { rest, answers: [] } };
}

/** What is called after this part was answered; undefined: it was the last one, or the only one. */
export function nextPart(call: OutgoingCall, answer: Fields): OutgoingCall | undefined {
  const [payload, ...rest] = call.parts?.rest ?? [];
  if (call.parts === undefined || payload === undefined) return undefined;
  return { ...call, payload, parts: { rest, answers: [...call.parts.answers, answer] } };
}

/** The answer of the last part with those of the parts before it. */
export function wholeAnswer({ action, parts }: OutgoingCall, last: Fields): Fields {
  if (parts === undefined || parts.answers.length === 0) return last;
  const answers = [...parts.answers, last];
  const joined = (LISTS[action]?.answered ?? []).flatMap((name) => {
    const lists = answers.map((answer) => answer[name]).filter((items) => Array.isArray(items));
    return lists.length === 0 ? [] : [[name, lists.flat()]];
  });
  return { ...last, ...(Object.fromEntries(joined) as Fields) };
}
