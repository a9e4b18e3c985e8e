/** OCPP 2.0.1, O: messages on a station's display. */
import { timeAgo } from "./flow-16.ts";
import { boot, createSession, HOUR_MS, obeyed, reported, shown } from "./flow-201.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual } from "./outcome.ts";
import { test, type Case, type Tools } from "./suite.ts";

const ID = 3;

const messageOf = (more: Fields = {}): Fields => ({
  ...{ id: ID, priority: "NormalCycle" },
  ...{ message: { format: "UTF8", language: "en", content: "Closed on Sunday" }, ...more },
});

const outcomeOf = (status: string) => (status === "Accepted" ? "succeeded" : "rejected");

/** The operator has a message shown; what arrives must be it, to the letter. */
async function setMessage(t: Tools, message: Fields, status = "Accepted", wire = message): Promise<void> {
  const how = { answer: { status }, outcome: outcomeOf(status), wire: { message: wire } } as const;
  const { payload } = await obeyed(t, "SetDisplayMessage", { message }, how);
  checkEqual("the SetDisplayMessage", payload, { message: wire });
}

const sets = (id: string, title: string, more: () => Fields = () => ({}), status = "Accepted"): Case =>
  test(id, `Set Display Message - ${title}`, async (t) => {
    await boot(t);
    await setMessage(t, messageOf(more()), status);
  });

/** The message is for the driver who charges: named as the CSMS does, it arrives with the station's name for it. */
const setsForDriver = (
  id: string,
  title: string,
  more: () => Fields = () => ({}),
  status = "Accepted",
): Case =>
  test(id, `Set Display Message - Specific transaction - ${title}`, async (t) => {
    const idToken = await t.token();
    await boot(t);
    const session = createSession(t);
    await session.charge(idToken);
    const seen = await shown(t, session, "active");
    const wire = messageOf({ transactionId: session.transactionId, ...more() });
    await setMessage(t, { ...wire, transactionId: seen?.transactionId }, status, wire);
  });

/** The operator asks which messages there are; the station tells, or knows none of these. */
const gets = (id: string, title: string, asked: Fields, found: Fields[] | undefined): Case =>
  test(id, title, async (t) => {
    await boot(t);
    if (title !== NONE) await setMessage(t, messageOf({ state: "Charging" }));
    const status = found === undefined ? "Unknown" : "Accepted";
    const how = { answer: { status }, outcome: outcomeOf(status) } as const;
    const { payload, commandId } = await obeyed(t, "GetDisplayMessages", asked, how);
    const { requestId, ...rest } = payload;
    checkEqual("the GetDisplayMessages", rest, asked);
    check(Number.isInteger(requestId), "the requestId is no integer");
    if (found === undefined) return;
    const parts = found.map((message, index) => ({
      ...{ requestId, tbc: index < found.length - 1, messageInfo: [message] },
    }));
    await reported(t, commandId, "NotifyDisplayMessages", parts);
  });

const clears = (id: string, title: string, status: string): Case =>
  test(id, `Clear Display Message - ${title}`, async (t) => {
    await boot(t);
    await setMessage(t, messageOf());
    const how = { answer: { status }, outcome: outcomeOf(status) } as const;
    const { payload } = await obeyed(t, "ClearDisplayMessage", { id: ID }, how);
    checkEqual("the ClearDisplayMessage", payload, { id: ID });
  });

const NONE = "Get all Display Messages - No DisplayMessages configured";
const KNOWN = messageOf({ state: "Charging" });

const later = () => ({ startDateTime: timeAgo(-HOUR_MS) });
const until = () => ({ endDateTime: timeAgo(-HOUR_MS) });

export const DISPLAY_201: readonly Case[] = [
  sets("TC_O_01", "Success"),
  gets("TC_O_02", "Get all Display Messages - Success", {}, [KNOWN, messageOf({ id: 4 })]),
  gets("TC_O_03", NONE, {}, undefined),
  clears("TC_O_04", "Success", "Accepted"),
  clears("TC_O_05", "Unknown Key", "Unknown"),
  setsForDriver("TC_O_06", "Success"),
  gets("TC_O_07", "Get a Specific Display Message - Id", { id: [ID] }, [KNOWN]),
  gets("TC_O_08", "Get a Specific Display Message - Priority", { priority: "NormalCycle" }, [KNOWN]),
  gets("TC_O_09", "Get a Specific Display Message - State", { state: "Charging" }, [KNOWN]),
  test("TC_O_10", "Set Display Message - Specific transaction - UnknownTransaction", async (t) => {
    await boot(t);
    await setMessage(t, messageOf({ transactionId: "nobody-knows-it" }), "UnknownTransaction");
  }),
  gets("TC_O_11", "Get a Specific Display Message - Unknown parameters", { id: [ID + 1] }, undefined),
  test("TC_O_12", "Set Display Message - Replace DisplayMessage", async (t) => {
    await boot(t);
    await setMessage(t, messageOf());
    await setMessage(t, messageOf({ priority: "AlwaysFront" }));
  }),
  sets("TC_O_13", "Display message at StartTime", later),
  sets("TC_O_14", "Remove message after EndTime", until),
  sets("TC_O_17", "NotSupportedPriority", () => ({ priority: "InFront" }), "NotSupportedPriority"),
  sets("TC_O_18", "NotSupportedState", () => ({ state: "Faulted" }), "NotSupportedState"),
  sets(
    "TC_O_19",
    "NotSupportedMessageFormat",
    () => ({ message: { format: "URI", content: "https://example.com/" } }),
    "NotSupportedMessageFormat",
  ),
  sets("TC_O_25", "Send Specific state", () => ({ state: "Charging" })),
  sets("TC_O_26", "Rejected", () => ({}), "Rejected"),
  setsForDriver("TC_O_27", "Display message at StartTime", later),
  setsForDriver("TC_O_28", "Remove message after EndTime", until),
];
