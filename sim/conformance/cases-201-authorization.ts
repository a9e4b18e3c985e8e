/** OCPP 2.0.1, C: authorization; D: the local list. */
import {
  authorize,
  authorized,
  boot,
  checkAccepted,
  createSession,
  obeyed,
  shown,
  tokenOf,
  type Session,
} from "./flow-201.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual, NotApplicable } from "./outcome.ts";
import { test, type Case, type Tools } from "./suite.ts";
import { timeAgo } from "./flow-16.ts";

const DAY_MS = 86_400_000;

/** A token must be refused, with one of these words. */
async function refused(t: Tools, idToken: string, ...statuses: string[]): Promise<void> {
  await boot(t);
  const { status } = (await authorize(t, idToken))["idTokenInfo"] as Fields;
  check(
    statuses.includes(String(status)),
    `the Authorize was answered with ${String(status)}, not ${statuses.join(" or ")}`,
  );
}

/** Two tokens of one group: one begins, the other one ends. `told`: the station asks about the second one. */
async function sharedGroup(t: Tools, groupId: string, told: boolean): Promise<void> {
  const [first, second] = [await t.token({ groupId }), await t.token({ groupId })];
  await boot(t);
  const session = createSession(t);
  await session.plug();
  if (told) await authorized(t, first, groupId);
  checkAccepted("the TransactionEvent", await session.say("Authorized", { idToken: first }), groupId);
  await session.energy();
  await shown(t, session, "active", { idToken: first });
  if (told) await authorized(t, second, groupId);
  checkAccepted("the stop", await session.stopAuthorized(second), groupId);
  await session.unplug();
  await shown(t, session, "ended");
}

/** Two cars charge; somebody with a master pass ends one or both of them. */
async function masterPass(t: Tools, ended: 1 | 2): Promise<void> {
  const groupId = "MASTERPASS";
  const master = await t.token({ master: true, groupId });
  await boot(t, 2);
  const sessions: Session[] = [createSession(t, 1), createSession(t, 2)];
  for (const session of sessions) await session.charge(await t.token());
  await authorized(t, master, groupId);
  // Who may end a charge is decided by what the site knows.
  await t.untilKnown();
  await t.api.settled(t.station.id);
  for (const session of sessions.slice(0, ended)) {
    const answer = await session.end("StopAuthorized", "MasterPass", { idToken: master });
    checkAccepted("the TransactionEvent", answer, groupId);
  }
  for (const [index, session] of sessions.entries()) {
    if (index < ended) await shown(t, session, "ended", { stoppedReason: "MasterPass" });
    else await shown(t, session, "active");
  }
}

const HASH = {
  ...{ hashAlgorithm: "SHA256", issuerNameHash: "a1".repeat(32), issuerKeyHash: "b2".repeat(32) },
  ...{ serialNumber: "2d19d15e8688", responderURL: "http://127.0.0.1/ocsp" },
};

/** A car shows its contract; whom the CSMS asks about the certificate says this of it. */
async function contract(t: Tools, shownAs: Fields, certificateStatus: string): Promise<Fields> {
  const { provider } = t.csms;
  if (provider === undefined)
    throw new NotApplicable("who knows certificates of cars is the CSMS's own matter");
  const eMAID = await t.token();
  const asked: Fields[] = [];
  provider.answer(t.station.id, ({ payload }) => {
    asked.push(payload);
    return { certificateStatus };
  });
  await boot(t);
  const session = createSession(t);
  await session.plug();
  const idToken = tokenOf(eMAID, "eMAID");
  const answer = await t.station.call("Authorize", { idToken, ...shownAs });
  check(asked.length > 0, "nobody was asked about the certificate");
  checkEqual("the certificateStatus", answer["certificateStatus"], certificateStatus);
  if (certificateStatus !== "Accepted") return answer;
  checkAccepted("the Authorize", answer);
  checkAccepted("the TransactionEvent", await session.say("Authorized", { more: { idToken } }));
  await session.energy();
  await shown(t, session, "active");
  return answer;
}

export const AUTHORIZATION_201: readonly Case[] = [
  test("TC_C_02", "Local start transaction - Authorization Invalid/Unknown", (t) =>
    refused(t, "NOBODY-KNOWS-ME", "Invalid", "Unknown"),
  ),
  test("TC_C_06", "Local start transaction - Authorization Blocked", async (t) =>
    refused(t, await t.token({ status: "Blocked" }), "Blocked"),
  ),
  test("TC_C_07", "Local start transaction - Authorization Expired", async (t) =>
    refused(t, await t.token({ expiresAt: timeAgo(DAY_MS) }), "Expired"),
  ),

  test("TC_C_08", "Authorization through authorization cache - Accepted", async (t) => {
    const idToken = await t.token();
    await boot(t);
    const session = createSession(t);
    await session.plug();
    checkAccepted("the TransactionEvent", await session.say("Authorized", { idToken }));
    await session.energy();
    await shown(t, session, "active", { idToken });
  }),

  test("TC_C_20", "Authorization through authorization cache - Invalid", async (t) => {
    await boot(t);
    const session = createSession(t);
    await session.plug();
    const answer = await session.say("Authorized", { idToken: "NOBODY-KNOWS-ME" });
    const status = String((answer["idTokenInfo"] as Fields | undefined)?.["status"]);
    check(["Invalid", "Unknown"].includes(status), `a token that nobody knows was answered with ${status}`);
  }),

  test("TC_C_37", "Clear Authorization Data in Authorization Cache - Accepted", async (t) => {
    await boot(t);
    await obeyed(t, "ClearCache", {});
  }),
  test("TC_C_38", "Clear Authorization Data in Authorization Cache - Rejected", async (t) => {
    await boot(t);
    await obeyed(t, "ClearCache", {}, { answer: { status: "Rejected" }, outcome: "rejected" });
  }),

  test("TC_C_39", "Authorization by GroupId - Success", (t) => sharedGroup(t, "GROUP-C39", true)),
  test("TC_C_40", "Authorization by GroupId - Success with Local Authorization List", (t) =>
    sharedGroup(t, "GROUP-C40", false),
  ),
  test("TC_C_43", "Authorization by GroupId - Invalid status with Local Authorization List", async (t) => {
    // In its own list the second token is invalid, so the station asks: the CSMS knows better.
    await sharedGroup(t, "GROUP-C43", true);
  }),

  test("TC_C_47", "Stop Transaction with a Master Pass - With UI - All transactions", (t) =>
    masterPass(t, 2),
  ),
  test("TC_C_48", "Stop Transaction with a Master Pass - With UI - Specific transactions", (t) =>
    masterPass(t, 1),
  ),
  test("TC_C_49", "Stop Transaction with a Master Pass - Without UI", (t) => masterPass(t, 2)),

  test(
    "TC_C_50",
    "Authorization using Contract Certificates 15118 - Online - Local contract certificate validation - Accepted",
    async (t) => {
      await contract(t, { iso15118CertificateHashData: [HASH] }, "Accepted");
    },
  ),
  test(
    "TC_C_51",
    "Authorization using Contract Certificates 15118 - Online - Local contract certificate validation - Rejected",
    async (t) => {
      const answer = await contract(t, { iso15118CertificateHashData: [HASH] }, "CertificateRevoked");
      checkEqual("the status", (answer["idTokenInfo"] as Fields)["status"], "Invalid");
    },
  ),
  test(
    "TC_C_52",
    "Authorization using Contract Certificates 15118 - Online - Central contract certificate validation - Accepted",
    async (t) => {
      await contract(
        t,
        { certificate: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----" },
        "Accepted",
      );
    },
  ),
];

const entry = (idToken: string): Fields => ({
  idToken: tokenOf(idToken),
  idTokenInfo: { status: "Accepted" },
});

/** The operator sends a list; the station takes it. */
async function sendList(
  t: Tools,
  versionNumber: number,
  updateType: string,
  entries: Fields[],
): Promise<void> {
  const list = entries.length === 0 ? {} : { localAuthorizationList: entries };
  const { payload } = await obeyed(t, "SendLocalList", { versionNumber, updateType, ...list });
  checkEqual("the list", payload["localAuthorizationList"], list.localAuthorizationList);
}

/** The operator asks which list the station has; what it says is shown. */
async function listVersion(t: Tools, versionNumber: number): Promise<void> {
  await obeyed(t, "GetLocalListVersion", {}, { answer: { versionNumber } });
}

export const LOCAL_LIST_201: readonly Case[] = [
  test("TC_D_01", "Send Local Authorization List - Full", async (t) => {
    await boot(t);
    await sendList(t, 1, "Full", [entry("D01-A"), entry("D01-B")]);
  }),
  test("TC_D_02", "Send Local Authorization List - Differential Update", async (t) => {
    await boot(t);
    await sendList(t, 1, "Full", [entry("D02-A")]);
    await sendList(t, 2, "Differential", [entry("D02-B")]);
  }),
  test("TC_D_03", "Send Local Authorization List - Differential Remove", async (t) => {
    await boot(t);
    await sendList(t, 1, "Full", [entry("D03-A"), entry("D03-B")]);
    await sendList(t, 2, "Differential", [{ idToken: tokenOf("D03-A") }]);
  }),
  test("TC_D_04", "Send Local Authorization List - Full with empty list", async (t) => {
    await boot(t);
    await sendList(t, 1, "Full", []);
  }),
  test("TC_D_08", "Get Local List Version - Success", async (t) => {
    await boot(t);
    await sendList(t, 7, "Full", [entry("D08-A")]);
    await listVersion(t, 7);
  }),
  test("TC_D_09", "Get Local List Version - No list available", async (t) => {
    await boot(t);
    await listVersion(t, 0);
  }),
];
