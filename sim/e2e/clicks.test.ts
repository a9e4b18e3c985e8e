/**
 * What is decided by hand, in a real browser against the whole system: each dialog is filled and sent, and what
 * became of it is looked for on the page and in the API. And what may not be decided: whoever only reads finds no
 * button that the cloud would refuse.
 */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PERMISSIONS } from "../../cloud/core/access.ts";
import { nextRandom, seedRandom } from "../../shared/ids.ts";
import { startMercadoPagoServer, type MercadoPagoServer } from "../pay/mercado-pago-server.ts";
import { until } from "../services/until.ts";
import { systemClock } from "../station/clock.ts";
import { socketTransport } from "../station/socket.ts";
import { createStation } from "../station/station.ts";
import type { Station } from "../station/types.ts";
import { DESKTOP, newPage, overflow, PHONE, violations } from "./browser.ts";
import { startWhole, type Whole } from "./whole.ts";

type Listed<T> = { items: T[] };

let whole: Whole;
let bank: MercadoPagoServer;

beforeAll(async () => {
  bank = await startMercadoPagoServer();
  whole = await startWhole({ MERCADO_PAGO_URL: bank.url });
  const { tariffId } = await whole.api.post<{ tariffId: string }>("/v1/tariffs", {
    name: "Day",
    terms: { currency: "BRL", elements: [{ perKwhMicro: 2_000_000 }] },
  });
  await whole.api.post("/v1/tariff-assignments", { tariffId, target: {} });
  // The demonstration's own provider: guests are offered what is set up here.
  const limits = { defaultAmountMinor: 5_000, minAmountMinor: 500, maxAmountMinor: 30_000 };
  await whole.api.put("/v1/payment-providers/sandbox", {
    ...{ enabled: false, settings: { currency: "BRL", payMinutes: 40, ...limits } },
  });
}, 240_000);

afterAll(async () => {
  await whole?.end();
  await bank?.stop();
});

describe("what is decided by hand", () => {
  it("sets a payment provider up; its secrets are shown to nobody again", { timeout: 60_000 }, async () => {
    const watched = await whole.open(DESKTOP, "/payments/providers");
    const { page } = watched;
    const part = page.getByRole("region", { name: "Mercado Pago (Pix)" });
    await part.getByRole("button", { name: "Set up" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Access token").fill("APP_USR-abcdefgh-1234");
    await dialog.getByLabel("Webhook secret").fill(bank.webhookSecret);
    await dialog.getByLabel("Payer's e-mail").fill("guests@example.com");
    await dialog.getByLabel("Usual amount").fill("20");
    await dialog.getByLabel("Least").fill("50");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Save" }).click();
    // The usual amount is less than the least.
    await dialog.getByRole("alert").first().waitFor();
    expect(watched.errors.splice(0).join()).toMatch(/40\d|422/);
    await dialog.getByLabel("Least").fill("5");
    await dialog.getByRole("button", { name: "Save" }).click();
    await part.getByText("…1234").waitFor();
    await part.getByText("On", { exact: true }).waitFor();
    expect(await violations(page)).toEqual([]);
    const { items } =
      await whole.api.get<Listed<{ kind: string; secretHints: object; settings: object }>>(
        "/v1/payment-providers",
      );
    expect(items.filter(({ kind }) => kind === "mercado-pago")).toMatchObject([
      {
        secretHints: { accessToken: "…1234" },
        settings: { defaultAmountMinor: 2_000, minAmountMinor: 500 },
      },
    ]);
    expect(JSON.stringify(items)).not.toContain("APP_USR");
    // Changed without the secrets: they stay.
    await part.getByRole("button", { name: "Change" }).click();
    await dialog.getByLabel("Most").fill("200");
    await dialog.getByRole("button", { name: "Save" }).click();
    await part.getByText(/200\.00/).waitFor();
    await part.getByText("…1234").waitFor();
    await watched.close();
  });

  it("posts by hand, and reverses it", { timeout: 60_000 }, async () => {
    const watched = await whole.open(DESKTOP, "/ledger");
    const { page } = watched;
    await page.getByRole("button", { name: "Post by hand" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("What it is").selectOption("manual");
    await dialog.getByLabel("Account 1").fill("bank");
    await dialog.getByLabel("Debit", { exact: true }).fill("12.50");
    await dialog.getByLabel("Account 2").fill("rounding");
    await dialog.getByLabel("Credit 2").fill("12");
    await dialog.getByLabel("Note").fill("Paid at the counter");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Book" }).click();
    // What does not sum to zero is not sent.
    await dialog.getByRole("alert").getByText(/0\.50/).waitFor();
    await dialog.getByLabel("Credit 2").fill("12.50");
    await dialog.getByRole("button", { name: "Book" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("link", { name: "Bank" }).click();
    const row = page.getByRole("listitem").filter({ hasText: "Paid at the counter" });
    await row
      .getByText(/R\$\s?12\.50/)
      .first()
      .waitFor();
    const postings = async () => {
      const path = "/v1/ledger/postings?account=rounding";
      const { items } =
        await whole.api.get<
          Listed<{ note: string | null; reverses: string | null; entries: { amountMinor: number }[] }>
        >(path);
      return items;
    };
    expect((await postings())[0]?.entries.map(({ amountMinor }) => amountMinor).sort()).toEqual([
      -1_250, 1_250,
    ]);
    await row.getByRole("button", { name: "Reverse" }).click();
    await dialog.getByLabel("Reason").fill("It was another card");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Reverse" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("It was another card").waitFor();
    expect((await postings()).filter(({ reverses }) => reverses !== null)).toHaveLength(1);
    await watched.close();
  });

  it("makes an alarm rule, changes it, switches it off and deletes it", { timeout: 60_000 }, async () => {
    type Rule = { name: string; severity: string; enabled: boolean; params: object; emails: string[] };
    const rules = async () =>
      (await whole.api.get<Listed<Rule>>("/v1/alarm-rules")).items.filter(({ name }) =>
        name.startsWith("Bay"),
      );
    const watched = await whole.open(DESKTOP, "/alarms/rules");
    const { page } = watched;
    await page.getByRole("button", { name: "New rule" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("What to watch").selectOption("station-offline");
    await dialog.getByLabel("After (min)", { exact: true }).fill("7");
    await dialog.getByLabel("Name", { exact: true }).fill("Bay is silent");
    await dialog.getByLabel("Severity").selectOption("critical");
    await dialog.getByLabel("Tell by e-mail").fill("not an address");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Save rule" }).click();
    await dialog.getByRole("alert").first().waitFor();
    expect(watched.errors.splice(0).join()).toMatch(/40\d|422/);
    await dialog.getByLabel("Tell by e-mail").fill("ops@example.com, night@example.com");
    await dialog.getByRole("button", { name: "Save rule" }).click();
    const row = page.getByRole("listitem").filter({ hasText: "Bay is silent" });
    await row.getByText("Critical").waitFor();
    expect(await rules()).toMatchObject([
      {
        ...{ name: "Bay is silent", severity: "critical", enabled: true, params: { minutes: 7 } },
        emails: ["ops@example.com", "night@example.com"],
      },
    ]);
    await row.getByRole("button", { name: /^Edit rule/ }).click();
    await dialog.getByLabel("After (min)", { exact: true }).fill("9");
    await dialog.getByLabel("Severity").selectOption("warning");
    await dialog.getByRole("button", { name: "Save rule" }).click();
    await row.getByText("Warning").waitFor();
    await row.getByRole("button", { name: /^Switch off/ }).click();
    await row.getByText("Off", { exact: true }).waitFor();
    expect(await rules()).toMatchObject([{ severity: "warning", enabled: false, params: { minutes: 9 } }]);
    expect(await violations(page)).toEqual([]);
    await row.getByRole("button", { name: /^Delete/ }).click();
    await dialog.getByText("Delete the rule Bay is silent?").waitFor();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await row.waitFor({ state: "detached" });
    expect(await rules()).toEqual([]);
    await watched.close();
  });

  it("decides what is held: a charge with a refused token is billed", { timeout: 120_000 }, async () => {
    const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1_000).toISOString();
    await whole.say("HELD-1", [
      [
        "StartTransaction",
        () => ({ connectorId: 1, idTag: "STRANGER", meterStart: 1_000, timestamp: at(5) }),
      ],
      ["StopTransaction", ({ transactionId }) => ({ transactionId, meterStop: 1_100, timestamp: at(0) })],
    ]);
    const held = () =>
      whole.api.get<Listed<{ transactionId: string; reasons: string[] }>>("/v1/billing-items?status=held");
    await until("it is held", async () => (await held()).items.length > 0, 60_000);
    const watched = await whole.open(DESKTOP, "/cdrs/held");
    const { page } = watched;
    await page.getByText(/^1 transaction waits/).waitFor();
    await page.getByRole("button", { name: "Decide" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("radio", { name: /^Bill/ }).check();
    await dialog.getByLabel("Reason").fill("He pays it at the counter");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Bill", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("Nothing is held").first().waitFor({ timeout: 30_000 });
    const billed = await whole.api.get<Listed<object>>("/v1/billing-items?status=billed&limit=1");
    expect(billed.items).toMatchObject([{ decision: "bill", note: "He pays it at the counter" }]);
    const cdrs = await whole.api.get<Listed<object>>("/v1/cdrs?limit=1");
    // 0.1 kWh at 2 each.
    expect(cdrs.items).toMatchObject([{ energyWh: 100, totalMinor: 20 }]);
    await watched.close();
  });
});

describe("a guest who pays by Pix", () => {
  let station: Station;
  let code: string;
  let paymentId: string;

  beforeAll(async () => {
    const random = seedRandom([11]);
    station = createStation({
      ...{ id: "PIX-1", version: "1.6", clock: systemClock, timing: { tickMs: 500 } },
      evses: [{ connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" }],
      random: () => nextRandom(random),
      transportFactory: socketTransport({ url: `ws://127.0.0.1:${whole.erPort}/ocpp` }),
    });
    code = await until(
      "the station has a code",
      async () =>
        (await whole.api.get<{ code: string }>("/v1/stations/PIX-1/evses/1/qr").catch(() => undefined))?.code,
      40_000,
    );
  }, 60_000);
  afterAll(() => station?.stop(0));

  /** What the provider has to tell is told. */
  async function deliver(): Promise<void> {
    for (const { path, headers, body } of bank.outbox.splice(0))
      expect((await fetch(`${whole.base}${path}`, { method: "POST", headers, body })).status).toBe(200);
  }

  const CAR = {
    batteryWh: 60_000,
    socPercent: 30,
    maxAcW: 22_000,
    phases: 3,
    maxDcW: 50_000,
    seed: 3,
  } as const;

  it("sees the code, pays, charges, and has back what was not used", { timeout: 180_000 }, async () => {
    const watched = await newPage(whole.browser, {
      ...{ viewport: { width: 360, height: 740 }, locale: "pt-BR", hasTouch: true, isMobile: true },
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const { page } = watched;
    const good = async () => {
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      expect(await violations(page)).toEqual([]);
    };
    await page.goto(`${whole.base}/c/${code}`);
    await page.getByText("R$ 2,00 por kWh").waitFor();
    await page.getByText("Livre", { exact: true }).waitFor({ timeout: 30_000 });
    await page.getByRole("button", { name: /Pagar R\$\s?20,00/ }).click();
    await page.getByRole("button", { name: "Copiar código Pix" }).waitFor({ timeout: 30_000 });
    await page.getByRole("img").first().waitFor();
    await good();
    await page.getByRole("button", { name: "Copiar código Pix" }).click();
    await page.getByText("Copiado").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    const { items } = await whole.api.get<Listed<{ paymentId: string }>>("/v1/payments");
    paymentId = items[0]?.paymentId ?? "";
    expect(copied).toBe(bank.pixOf(paymentId).point_of_interaction.transaction_data.qr_code);
    bank.feeBp = 99;
    bank.pay(paymentId);
    await deliver();
    await page.getByText("Conecte o carro agora").waitFor({ timeout: 40_000 });
    station.plugIn(1, CAR);
    await page.getByText(/^R\$\s0,\d*[1-9]/).waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Parar a recarga" }).click();
    await page.getByRole("button", { name: "Sim, parar agora" }).click();
    await page.getByText("Recarga concluída").waitFor({ timeout: 60_000 });
    await until(
      "the rest is given back",
      async () => {
        await deliver();
        return bank.pixOf(paymentId).refunds.length > 0;
      },
      60_000,
    );
    await deliver();
    await page.getByText(/devolvidos/).waitFor({ timeout: 60_000 });
    await good();
    station.unplug(1);
    await watched.close();
  });

  it("has the rest back as well, when somebody decides so", { timeout: 60_000 }, async () => {
    const watched = await whole.open(DESKTOP, `/payments/${paymentId}`);
    const { page } = watched;
    // 0.99 % of R$ 20.00.
    await page
      .locator("dl > div", { hasText: "Provider's fee" })
      .getByText(/^R\$\s?0\.20$/)
      .waitFor();
    await page.getByRole("button", { name: "Refund", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("How much (BRL)").fill("100");
    await dialog
      .getByText(/at most|more than/i)
      .first()
      .waitFor();
    await dialog.getByLabel("How much (BRL)").fill("0.01");
    await dialog.getByLabel("Reason").fill("The cable was dirty");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: /^Refund R\$\s?0\.01/ }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("The cable was dirty").waitFor();
    await until("the provider has it", async () => {
      await deliver();
      const detail = await whole.api.get<{ refunds: { amountMinor: number; status: string }[] }>(
        `/v1/payments/${paymentId}`,
      );
      return detail.refunds.some(({ amountMinor, status }) => amountMinor === 1 && status === "succeeded");
    });
    expect(await violations(page)).toEqual([]);
    await watched.close();
  });
});

/** Of what is there: one address of every page. */
async function everyPage(): Promise<string[]> {
  const first = async (path: string, id: string): Promise<string[]> => {
    const { items } = await whole.api.get<Listed<Record<string, unknown>>>(path);
    const value = items[0]?.[id];
    return typeof value === "string" ? [encodeURIComponent(value)] : [];
  };
  const of = async (page: string, path: string, id: string) =>
    (await first(path, id)).map((value) => `${page}/${value}`);
  const station = [
    "",
    "/commands",
    "/commands?send=limit",
    "/commands?send=Reset",
    "/configuration",
    "/events",
  ];
  return [
    ...["/", "/sites/demo", "/ers/er-demo", "/transactions", "/work", "/alarms", "/alarms/rules", "/events"],
    ...[...station, "/energy", "/files", "/timeline", "/settings"].map((part) => `/stations/AC-1${part}`),
    ...["/commands?send=expert&message=Reset"].map((part) => `/stations/AC-1${part}`),
    ...[
      "/reports",
      "/tokens",
      "/drivers",
      "/templates",
      "/templates/new",
      "/tariffs",
      "/tariffs/new",
      "/cdrs",
    ],
    ...["/cdrs/held", "/payments", "/payments/findings", "/payments/providers", "/statements", "/ledger"],
    ...[
      "/ledger/revenue",
      "/people",
      "/keys",
      "/audit",
      "/webhooks",
      "/mails",
      "/exports",
      "/stickers/AC-1/1",
    ],
    ...(await of("/transactions", "/v1/transactions?status=ended", "transactionId")),
    ...(await of("/meters", "/v1/meters", "meterId")),
    ...(await of("/tariffs", "/v1/tariffs", "tariffId")),
    ...(await of("/cdrs", "/v1/cdrs", "cdrId")),
    ...(await of("/payments", "/v1/payments", "paymentId")),
    ...(await of("/drivers", "/v1/drivers", "driverId")),
    ...(await of("/webhooks", "/v1/webhook-endpoints", "endpointId")),
    ...(await of("/work", "/v1/reviews", "reviewId")),
  ];
}

/** Presses every button that can be pressed. @returns those that ask to send something. */
async function pressAll(page: Page, path: string): Promise<string[]> {
  const sending: string[] = [];
  const buttons = page.locator("main button:enabled:not([aria-disabled=true])");
  for (let i = 0; i < (await buttons.count()); i++) {
    const button = buttons.nth(i);
    if (!(await button.isVisible())) continue;
    const name = (await button.getAttribute("aria-label")) ?? (await button.innerText());
    await button.click();
    const dialog = page.getByRole("dialog");
    if ((await dialog.count()) === 0) continue;
    if ((await dialog.locator("button[type=submit]").count()) > 0) sending.push(`${path}: ${name}`);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  }
  return sending;
}

describe("who only reads", () => {
  it("finds no button that the cloud would refuse", { timeout: 240_000 }, async () => {
    const driver = { name: "Bruna Lopes", email: "bruna@example.com" };
    await whole.api.post("/v1/drivers", driver);
    const endpoint = { url: "https://example.com/hook", description: "Test", eventTypes: [] };
    await whole.api.post("/v1/webhook-endpoints", endpoint);
    const reads = PERMISSIONS.filter((one) => one.endsWith(":read") && !one.startsWith("own:"));
    const { key } = await whole.api.post<{ key: string }>("/v1/api-keys", {
      ...{ name: "Reader", role: "owner", permissions: reads },
    });
    const watched = await whole.open(DESKTOP, "/", key);
    const { page } = watched;
    const refused: string[] = [];
    page.on("response", (response) => {
      const { pathname } = new URL(response.url());
      const method = response.request().method();
      // Reckons and changes nothing.
      if (pathname === "/v1/tariff-previews") return;
      if (response.status() === 403) refused.push(`${page.url()}: ${method} ${pathname}`);
      if (method !== "GET" && pathname.startsWith("/v1/"))
        refused.push(`${page.url()}: ${method} ${pathname}`);
    });
    const asking: string[] = [];
    for (const path of await everyPage()) {
      await page.goto(`${whole.base}${path}`);
      await page.locator("#main h1").first().waitFor();
      await page.waitForFunction(() => document.querySelector("main .animate-shimmer") === null);
      asking.push(...(await pressAll(page, path)));
    }
    expect(asking).toEqual([]);
    expect(refused).toEqual([]);
    await watched.close();
  });

  it("is told why at the button", { timeout: 60_000 }, async () => {
    const { key } = await whole.api.post<{ key: string }>("/v1/api-keys", {
      ...{ name: "Reader", role: "support" },
    });
    const watched = await whole.open(PHONE, "/templates", key);
    const { page } = watched;
    const button = page.getByRole("button", { name: "Novo modelo" });
    await button.waitFor();
    expect(await button.getAttribute("aria-disabled")).toBe("true");
    expect(await button.getAttribute("title")).toContain("modelos");
    expect(await violations(page)).toEqual([]);
    await watched.close();
  });
});
