/**
 * `npm start` as a stranger has it: one command, a charge on the page, a command that reaches a station, a
 * box that is killed, a restart that remembers.
 */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { Er } from "../../cloud/api/er-schemas.ts";
import type { GuestSessionView } from "../../cloud/api/guest-schemas.ts";
import type { IdTokenView } from "../../cloud/api/rule-schemas.ts";
import type {
  CommandView,
  Meter,
  Page,
  Site,
  Station,
  Transaction,
  TransactionDetail,
} from "../../cloud/api/schemas.ts";
import { freePort } from "../services/child.ts";
import { until } from "../services/until.ts";
import { apiClient, startProgram, untilPrinted, type Program } from "./processes.ts";

let dir: string;
let env: NodeJS.ProcessEnv;
let program: Program;
let api: ReturnType<typeof apiClient>;

async function start(): Promise<void> {
  program = startProgram(["sim/start.ts"], env);
  await untilPrinted(program, "Moov.olt is running.", 90_000);
  const { apiKey } = JSON.parse(await readFile(join(dir, "data", "credentials.json"), "utf8")) as {
    apiKey: string;
  };
  api = apiClient(`http://127.0.0.1:${env["SG_PORT"]}`, apiKey);
}

beforeAll(async () => {
  // A folder that only its owner may enter, as a home directory is.
  dir = await mkdtemp(join(tmpdir(), "moov-start-"));
  env = {
    DATA_DIR: join(dir, "data"),
    SG_PORT: String(await freePort()),
    ER_PORT: String(await freePort()),
    LOG_LEVEL: "info",
  };
  await start();
});

afterAll(async () => {
  await program.end("SIGINT");
  await rm(dir, { recursive: true, force: true });
});

const active = async () => (await api.get<Page<Transaction>>("/v1/transactions?status=active")).items;

async function finished(commandId: string): Promise<CommandView> {
  return until("the command is finished", async () => {
    const command = await api.get<CommandView>(`/v1/commands/${commandId}`);
    return command.finishedAt === null ? undefined : command;
  });
}

/** Process ids of the ER that the program has started. */
function erPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return command.includes("edge/main.js") && command.includes(dir);
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe("npm start", () => {
  it("keeps its key to its owner", async () => {
    const { mode } = await stat(join(dir, "data", "credentials.json"));
    expect(mode & 0o777).toBe(0o600);
    await expect(
      apiClient(`http://127.0.0.1:${env["SG_PORT"]}`, "sg_wrong").get("/v1/sites"),
    ).rejects.toThrow("401");
  });

  it("makes an owner who signs in at the page", async () => {
    const { owner } = JSON.parse(await readFile(join(dir, "data", "credentials.json"), "utf8")) as {
      owner: { email: string; password: string };
    };
    const base = `http://localhost:${env["SG_PORT"]}`;
    const answer = await fetch(`${base}/v1/auth/sign-in`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: base },
      body: JSON.stringify(owner),
    });
    expect(await answer.json()).toEqual({ next: "done" });
    const cookie = answer.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const me = await fetch(`${base}/v1/me`, { headers: { cookie } });
    expect(await me.json()).toMatchObject({ role: "owner", person: { email: owner.email } });
    expect(await (await fetch(`${base}/v1/setup`)).json()).toEqual({ ownerNeeded: false });
  });

  it(
    "shows a site with stations of three versions, a meter and a charge with its curve",
    { timeout: 60_000 },
    async () => {
      const running = await until(
        "a transaction runs",
        async () => (await active()).find((t) => (t.energyWh ?? 0) > 0),
        40_000,
      );
      const site = await api.get<Site>("/v1/sites/demo");
      expect(site).toMatchObject({ erOnline: true, stationCount: 5, stationsOnline: 5 });
      const detail = await api.get<TransactionDetail>(`/v1/transactions/${running.transactionId}`);
      expect(detail.samples.length).toBeGreaterThan(0);
      expect(detail.transaction).toMatchObject({ status: "active", authorizedBy: "sg", endedAt: null });
      const [meter] = (await api.get<Page<Meter>>("/v1/meters?siteId=demo")).items;
      expect(meter).toMatchObject({ state: "ok", model: "eastron-sdm630" });
      expect(meter?.powerW).toBeGreaterThan(3_000);
    },
  );

  it("stops a charge by a command and shows the energy", { timeout: 60_000 }, async () => {
    const running = await until("a transaction has energy", async () =>
      (await active()).find((t) => (t.energyWh ?? 0) > 0),
    );
    const { stationId, transactionId } = running;
    const params = { transactionId };
    const taken = await api.post<CommandView>(`/v1/stations/${stationId}/commands`, {
      kind: "RequestStopTransaction",
      params,
    });
    const command = await finished(taken.commandId);
    expect(command).toMatchObject({ status: "succeeded", response: { status: "Accepted" } });
    const ended = await until("the transaction has ended", async () => {
      const { transaction } = await api.get<TransactionDetail>(`/v1/transactions/${transactionId}`);
      return transaction.status === "ended" ? transaction : undefined;
    });
    expect(ended.energyWh).toBe((ended.meterStopWh ?? 0) - (ended.meterStartWh ?? 0));
    expect(ended.stoppedReason).toBe("Remote");
  });

  it("takes a station from outside, and lets no blocked token start there", { timeout: 60_000 }, async () => {
    const idToken = "VISITOR";
    await api.post<IdTokenView>("/v1/id-tokens", { idToken });
    const socket = new WebSocket(`ws://127.0.0.1:${env["ER_PORT"]}/ocpp/GUEST-1`, ["ocpp1.6"]);
    const answers: unknown[][] = [];
    socket.on("message", (data: Buffer) => answers.push(JSON.parse(data.toString("utf8")) as unknown[]));
    await new Promise((done) => socket.once("open", done));
    const ask = async (id: string, action: string, payload: unknown) => {
      socket.send(JSON.stringify([2, id, action, payload]));
      return until(`${action} is answered`, () => answers.find((a) => a[1] === id));
    };
    await ask("1", "BootNotification", { chargePointVendor: "Guest", chargePointModel: "One" });
    expect(await ask("2", "Authorize", { idTag: idToken })).toMatchObject([
      3,
      "2",
      { idTagInfo: { status: "Accepted" } },
    ]);
    await api.patch<IdTokenView>(`/v1/id-tokens/${idToken}`, { status: "Blocked" });
    expect(await ask("3", "Authorize", { idTag: idToken })).toMatchObject([
      3,
      "3",
      { idTagInfo: { status: "Blocked" } },
    ]);
    const station = await until("the station is known", () =>
      api.get<Station>("/v1/stations/GUEST-1").catch(() => undefined),
    );
    expect(station).toMatchObject({ siteId: "demo", vendor: "Guest", online: true });
    socket.close();
  });

  it("lets a guest pay, charge and have a receipt with nothing to set up", { timeout: 90_000 }, async () => {
    const base = `http://127.0.0.1:${env["SG_PORT"]}`;
    const code = /guest +\S+\/c\/(\w+)/.exec(program.output())?.[1] ?? "";
    const asking = async <T>(path: string, headers: object = {}, body?: object): Promise<T> => {
      const json = body === undefined ? {} : { "content-type": "application/json" };
      const init = { method: body === undefined ? "GET" : "POST", headers: { ...headers, ...json } };
      const answer = await fetch(
        `${base}/v1/guest${path}`,
        body === undefined ? init : { ...init, body: JSON.stringify(body) },
      );
      expect(answer.ok, `${path} ${answer.status}`).toBe(true);
      return (await answer.json()) as T;
    };
    expect(await asking(`/connectors/${code}`)).toMatchObject({ offered: true, tariff: { name: "Demo" } });
    const wish = { code, requestId: "a-guest-of-the-demo", provider: "sandbox", language: "en" };
    const { session, token } = await asking<{ session: GuestSessionView; token: string }>(
      "/sessions",
      {},
      wish,
    );
    await fetch(session.payment.checkoutUrl ?? "", {
      method: "POST",
      body: "decision=pay",
      redirect: "manual",
    });
    const headers = { "x-guest-token": token };
    const path = `/sessions/${session.guestSessionId}`;
    // As often as a phone may look.
    const see = async () => (await sleep(250), asking<GuestSessionView>(path, headers));
    await until(
      "the guest's car takes energy",
      async () => ((await see()).charging?.energyWh ?? 0) > 0,
      40_000,
    );
    await asking(`${path}/stop`, headers, {});
    const settled = await until("it is settled", async () => {
      const seen = await see();
      return seen.state === "settled" && seen.payment.status === "captured" ? seen : undefined;
    });
    expect(settled.price?.totalMinor).toBe(settled.payment.capturedMinor);
    expect(settled.price?.totalMinor).toBeGreaterThan(100);
    const receipt = await fetch(`${base}/v1/guest${path}/receipt`, { headers });
    expect(
      Buffer.from(await receipt.arrayBuffer())
        .subarray(0, 5)
        .toString(),
    ).toBe("%PDF-");
  });

  it("goes on with running charges after its ER was killed", { timeout: 60_000 }, async () => {
    const before = await until("a transaction runs", async () => (await active())[0]);
    const [pid] = erPids();
    expect(pid).toBeDefined();
    process.kill(pid ?? 0, "SIGKILL");
    await until("another ER runs", () => erPids().some((p) => p !== pid));
    await until("the ER drains again", async () => {
      const [er] = (await api.get<Page<Er>>("/v1/ers")).items;
      return er?.backlog === 0 && er.online;
    });
    const grown = await until(
      "the transaction goes on or has ended properly",
      async () => {
        const { transaction } = await api.get<TransactionDetail>(`/v1/transactions/${before.transactionId}`);
        const more = (transaction.energyWh ?? 0) > (before.energyWh ?? 0);
        return more ? transaction : undefined;
      },
      40_000,
    );
    expect(grown.ocppTransactionId).toBe(before.ocppTransactionId);
    expect(grown.flags).toEqual(before.flags);
  });

  it("remembers everything over a restart", { timeout: 120_000 }, async () => {
    const before = (await api.get<Page<Transaction>>("/v1/transactions?limit=200")).items.map(
      (t) => t.transactionId,
    );
    const credentials = await readFile(join(dir, "data", "credentials.json"), "utf8");
    expect(await program.end("SIGINT")).toBe(0);
    await start();
    expect(await readFile(join(dir, "data", "credentials.json"), "utf8")).toBe(credentials);
    const after = (await api.get<Page<Transaction>>("/v1/transactions?limit=200")).items.map(
      (t) => t.transactionId,
    );
    expect(after).toEqual(expect.arrayContaining(before));
  });
});
