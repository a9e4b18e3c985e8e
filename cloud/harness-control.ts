/**
 * For tests of stations under control: a site of its own for each test (`harness-site.ts`), what the API is
 * asked about its station, and what the ER's journal says back.
 */
import { expect } from "vitest";
import type { EntryBody, Protocol } from "../shared/entry.ts";
import type { PolicyStation } from "../shared/policy.ts";
import { handled, storeAll } from "./harness.ts";
import { useSite, type TestSite } from "./harness-site.ts";
import { takeDueCommands } from "./ingest/dispatch.ts";
import { readPolicy } from "./ingest/policy.ts";

type Method = "POST" | "PUT" | "PATCH" | "DELETE";

/** @param onSite before each test: its site, and the path of its station in the API. */
export function useControl(onSite: (site: TestSite & { path: string }) => void) {
  let site: TestSite;
  useSite((next) => {
    site = next;
    onSite({ ...next, path: `/v1/stations/${next.cp}` });
  });

  async function send<T>(method: Method, url: string, body: unknown, status: number): Promise<T> {
    const reply = await site.api.send(method, url, body);
    expect(reply.status, reply.text).toBe(status);
    return reply.body as T;
  }
  const policy = () => readPolicy(site.db.pool, site.journal.siteId);
  return {
    send,
    /** @returns the code of the problem. */
    problem: async (method: Method, url: string, body: unknown, status: number): Promise<string> =>
      (await send<{ code: string }>(method, url, body, status)).code,
    /** The ER's journal goes on. */
    async tell(...bodies: EntryBody[]): Promise<void> {
      site.journal.commit(bodies);
      await storeAll(site.db.pool, site.journal);
    },
    boot: (status = "Accepted", protocol: Protocol = "ocpp1.6"): EntryBody =>
      handled(
        site.cp,
        protocol,
        "BootNotification",
        protocol === "ocpp1.6"
          ? { chargePointVendor: "V", chargePointModel: "M" }
          : { reason: "PowerUp", chargingStation: { vendorName: "V", model: "M" } },
        { status, currentTime: "2026-05-04T12:00:00Z", interval: 60 },
      ),
    finished: (commandId: string, status: string, more: object = {}): EntryBody =>
      ({ kind: "command.finished", commandId, stationId: site.cp, status, ...more }) as EntryBody,
    async inPolicy(): Promise<PolicyStation | undefined> {
      return (await policy())?.stations?.find(({ stationId }) => stationId === site.cp);
    },
    versionOf: async (): Promise<number> => (await policy())?.version ?? 0,
    audited: (action: string) =>
      site.db.rows<{ detail: unknown }>(
        "select detail from audit where action = $1 and subject = $2",
        action,
        site.cp,
      ),
    /** Commands that are told to the ER now. */
    async due() {
      const all = await takeDueCommands(site.db.pool, site.journal.erId);
      return [...(all.get(site.journal.erId) ?? [])];
    },
  };
}
