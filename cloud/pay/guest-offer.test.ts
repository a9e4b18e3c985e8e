/** The price that a guest was shown reaches the ER with the answer about the token; what is shown there is billed. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { OfferedTariff } from "../../shared/tariff.ts";
import { Answer, checkWire, decodeWire, encodeWire } from "../../shared/wire.ts";
import { start16, stop16, NOON } from "../harness.ts";
import { answerQuestion } from "../ingest/ask.ts";
import {
  Guest,
  makeCheaper,
  makeDearer,
  openPayBench,
  openStand,
  type PayBench,
  type Stand,
} from "./harness.ts";

let bench: PayBench;
let stand: Stand;
beforeAll(async () => void (bench = await openPayBench()));
afterAll(() => bench.close());
beforeEach(async () => void (stand = await openStand(bench)));

/** As it crosses the broker. */
async function asks(idToken: string, stationId = stand.cp, purpose: "authorize" | "start" = "start") {
  const question = { kind: "authorize", purpose, stationId, idToken } as const;
  const answer = await answerQuestion(bench.db.pool, stand.journal.erId, question);
  if (answer === undefined) throw new Error("the ER is known");
  const correlationId = "01900000-0000-7000-8000-000000000001";
  return decodeWire(Answer, encodeWire({ v: 1, correlationId, answer })).answer;
}

const dearer = () => makeDearer(bench);
const cheaper = () => makeCheaper(bench);

test("is told with its terms, of this station alone, and as long as the session lasts", async () => {
  const guest = new Guest(bench, stand, "stripe");
  await guest.begin();
  const idToken = await guest.idToken();
  expect(await asks(idToken)).toMatchObject({ status: "Unknown" });
  await guest.paysAndIsTold();
  const tariffId = await dearer();
  try {
    for (const purpose of ["authorize", "start"] as const) {
      const answer = await asks(idToken.toLowerCase(), stand.cp, purpose);
      expect(answer).toMatchObject({
        ...{ kind: "authorize", status: "Accepted", reason: "guest", cap: { energyWh: 25_002 } },
        tariff: { tariffId, version: 1, terms: { currency: "BRL", elements: [{ perKwhMicro: 2_000_000 }] } },
      });
      if (answer.kind !== "authorize") throw new Error("it is about a token");
      expect(checkWire(OfferedTariff, answer.tariff)).toEqual(answer.tariff);
    }
    const elsewhere = await asks(idToken, "ANOTHER");
    expect(elsewhere).toMatchObject({ status: "Unknown" });
    expect(elsewhere).not.toHaveProperty("tariff");
  } finally {
    await cheaper();
  }
});

test("is what the transaction is shown by, in the tables as in the bill", async () => {
  const guest = new Guest(bench, stand, "stripe");
  await guest.begin();
  await guest.paysAndIsTold();
  await dearer();
  try {
    await stand.finish("RequestStartTransaction", "succeeded");
    const idTag = await guest.idToken();
    const answer = await asks(idTag);
    if (answer.kind !== "authorize") throw new Error("it is about a token");
    // As the ER writes it down: what it was told, with its terms.
    const tariff = checkWire(OfferedTariff, answer.tariff);
    const at = () => Date.now() - NOON;
    const told = start16(stand.cp, guest.transactionId, { at: at(), idTag }, { tariff });
    await stand.happens(told);
    await stand.happens(stop16(stand.cp, guest.transactionId, { at: at(), meterStop: 7_000 }));
    await bench.run();
    const rows = await bench.db.rows(
      `select t.told_tariff_id = c.tariff_id::text as same, t.told_tariff_version as told, c.tariff_version as billed,
         c.total_minor as total from transaction t join cdr c using (transaction_id) where t.transaction_id = $1`,
      guest.transactionId,
    );
    expect(rows).toEqual([{ same: true, told: 1, billed: 1, total: 1_200 }]);
  } finally {
    await cheaper();
  }
});

test("is none where the session has none, as sessions of before tariffs were kept", async () => {
  const guest = new Guest(bench, stand, "stripe");
  await guest.begin();
  await guest.paysAndIsTold();
  await bench.db.pool.query(
    "update guest_session set tariff_id = null, tariff_version = null where guest_session_id = $1",
    [guest.id],
  );
  const answer = await asks(await guest.idToken());
  expect(answer).toMatchObject({ status: "Accepted" });
  expect(answer).not.toHaveProperty("tariff");
});
