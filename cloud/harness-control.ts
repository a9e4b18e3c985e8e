/**
 * For tests of stations under control: what the API is asked about the station of a site (`harness-site.ts`),
 * and what the ER's journal says back.
 */
import { expect } from "vitest";
import type { EntryBody, Protocol } from "../shared/entry.ts";
import type { PolicyStation } from "../shared/policy.ts";
import { handled, storeAll } from "./harness.ts";
import type { TestSite } from "./harness-site.ts";
import { takeDueCommands } from "./ingest/dispatch.ts";
import { readPolicy } from "./ingest/policy.ts";

type Method = "POST" | "PUT" | "PATCH" | "DELETE";

/** @param siteOf the site of the test that runs. */
export function controlOf(siteOf: () => TestSite) {
  async function send<T>(method: Method, url: string, body: unknown, status: number): Promise<T> {
    const reply = await siteOf().api.send(method, url, body);
    expect(reply.status, reply.text).toBe(status);
    return reply.body as T;
  }
  const policy = () => readPolicy(siteOf().db.pool, siteOf().journal.siteId);
  return {
    send,
    /** @returns the code of the problem. */
    problem: async (method: Method, url: string, body: unknown, status: number): Promise<string> =>
      (await send<{ code: string }>(method, url, body, status)).code,
    /** The ER's journal goes on. */
    async tell(...bodies: EntryBody[]): Promise<void> {
      const { db, journal } = siteOf();
      journal.commit(bodies);
      await storeAll(db.pool, journal);
    },
    boot: (status = "Accepted", protocol: Protocol = "ocpp1.6"): EntryBody =>
      handled(
        siteOf().cp,
        protocol,
        "BootNotification",
        protocol === "ocpp1.6"
          ? { chargePointVendor: "V", chargePointModel: "M" }
          : { reason: "PowerUp", chargingStation: { vendorName: "V", model: "M" } },
        { status, currentTime: "2026-05-04T12:00:00Z", interval: 60 },
      ),
    finished: (commandId: string, status: string, more: object = {}): EntryBody =>
      ({ kind: "command.finished", commandId, stationId: siteOf().cp, status, ...more }) as EntryBody,
    async inPolicy(): Promise<PolicyStation | undefined> {
      return (await policy())?.stations?.find(({ stationId }) => stationId === siteOf().cp);
    },
    versionOf: async (): Promise<number> => (await policy())?.version ?? 0,
    audited: (action: string) =>
      siteOf().db.rows<{ detail: unknown }>(
        "select detail from audit where action = $1 and subject = $2",
        action,
        siteOf().cp,
      ),
    /** Commands that are told to the ER now. */
    async due() {
      const { db, journal } = siteOf();
      return [...((await takeDueCommands(db.pool, journal.erId)).get(journal.erId) ?? [])];
    },
  };
}
