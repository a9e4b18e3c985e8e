/**
 * A driver at the page, on a phone against the whole system: invited, not yet known, then known; holds a card, sees
 * it charge with what it costs so far, has the bill with its lines, its receipt and its statement; pays what it owes by
 * card and by Pix; takes its data along and asks to be erased. And anybody checks the receipt by its code.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nextRandom, seedRandom } from "../../shared/ids.ts";
import { freePort } from "../services/child.ts";
import { startMercadoPagoServer, type MercadoPagoServer } from "../pay/mercado-pago-server.ts";
import { launchChromium } from "../services/chromium.ts";
import { until } from "../services/until.ts";
import { systemClock } from "../station/clock.ts";
import { socketTransport } from "../station/socket.ts";
import { createStation } from "../station/station.ts";
import type { Station } from "../station/types.ts";
import { DESKTOP, newPage, overflow, PHONE, violations, type Watched } from "./browser.ts";
import { apiClient, startProgram, untilPrinted, type Program } from "./processes.ts";

const ANA = { email: "ana@example.com", name: "Ana Souza", password: "a sentence of mine" };
const CARD = "ANA-CARD";
const CAR = {
  batteryWh: 60_000,
  socPercent: 30,
  maxAcW: 22_000,
  phases: 3,
  maxDcW: 50_000,
  seed: 7,
} as const;

type Listed<T> = { items: T[] };
type Cdr = { cdrId: string; transactionId: string; totalMinor: number; idToken: string };

let dir: string;
let program: Program;
let browser: Browser;
let base: string;
let api: ReturnType<typeof apiClient>;
let apiKey: string;
let station: Station;
let driverId: string;
let bank: MercadoPagoServer;
let cdr: Cdr;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "moov-driver-"));
  const erPort = await freePort();
  bank = await startMercadoPagoServer();
  const ports = { SG_PORT: String(await freePort()), ER_PORT: String(erPort) };
  const env = { DATA_DIR: dir, ...ports, MERCADO_PAGO_URL: bank.url };
  base = `http://localhost:${env.SG_PORT}`;
  program = startProgram(["sim/start.ts"], env);
  browser = await launchChromium();
  await untilPrinted(program, "Moov.olt is running.", 90_000);
  ({ apiKey } = JSON.parse(await readFile(join(dir, "credentials.json"), "utf8")) as { apiKey: string });
  api = apiClient(base, apiKey);
  const { tariffId } = await api.post<{ tariffId: string }>("/v1/tariffs", {
    name: "Day",
    terms: { currency: "BRL", elements: [{ perKwhMicro: 1_950_000, startFeeMicro: 1_500_000 }] },
  });
  await api.post("/v1/tariff-assignments", { tariffId, target: {} });
  await api.post("/v1/id-tokens", { idToken: CARD, label: "Cartão azul" });
  const random = seedRandom([7]);
  station = createStation({
    ...{ id: "BAY-7", version: "1.6", clock: systemClock, timing: { tickMs: 500 } },
    evses: [{ connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" }],
    random: () => nextRandom(random),
    transportFactory: socketTransport({ url: `ws://127.0.0.1:${erPort}/ocpp` }),
  });
}, 240_000);

afterAll(async () => {
  await station?.stop(0);
  await browser?.close();
  await program?.end("SIGINT");
  await bank?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** The driver who is signed in, at a page. */
async function signedIn(path: string, options: BrowserContextOptions = PHONE): Promise<Watched> {
  const watched = await newPage(browser, options);
  const { page } = watched;
  await page.goto(`${base}${path}`);
  await page.getByLabel("E-mail").fill(ANA.email);
  await page.getByLabel(/^(Password|Senha)$/).fill(ANA.password);
  await page.getByRole("button", { name: /^(Sign in|Entrar)$/ }).click();
  await page.locator("#main h1").first().waitFor();
  return watched;
}

async function good(page: Page): Promise<void> {
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(await violations(page)).toEqual([]);
}

/** A file that a button of the page gives. */
async function download(page: Page, button: string | RegExp): Promise<{ name: string; bytes: Buffer }> {
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: button }).click(),
  ]);
  return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
}

describe("a driver at the page", () => {
  it("is told what to do while the operator does not know it", { timeout: 90_000 }, async () => {
    const { link } = await api.post<{ link: string }>("/v1/invitations", {
      email: ANA.email,
      role: "driver",
    });
    const watched = await newPage(browser, PHONE);
    const { page } = watched;
    await page.goto(new URL(link).href.replace(/^https?:\/\/[^/]+/, base));
    await page.getByLabel("Seu nome").fill(ANA.name);
    await page.getByLabel("Escolha uma senha").fill(ANA.password);
    await page.getByRole("button", { name: /Aceitar/ }).click();
    await page.getByRole("heading", { name: "Ainda não há recargas ligadas a você" }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/my/charges");
    expect(watched.errors.splice(0).every((error) => error.includes("404"))).toBe(true);
    await good(page);
    await watched.close();
    const users = await api.get<Listed<{ userId: string; email: string }>>("/v1/users?role=driver");
    const userId = users.items.find(({ email }) => email === ANA.email)?.userId;
    ({ driverId } = await api.post<{ driverId: string }>("/v1/drivers", {
      ...{ name: ANA.name, email: ANA.email, userId },
    }));
    await api.put(`/v1/drivers/${driverId}/id-tokens/${CARD}`, {});
  });

  it("sees the car charge, then what it cost and why", { timeout: 240_000 }, async () => {
    const watched = await signedIn("/");
    const { page } = watched;
    await page.getByText("Nenhuma recarga ainda").waitFor();
    // Its own places, and nothing of the operator's.
    const places = page.getByRole("navigation", { name: "Principal" }).getByRole("link");
    expect(await places.allTextContents()).toEqual(["Recargas", "Extratos", "Cartões", "Meus dados"]);
    await good(page);
    await until("the station is known", () =>
      api.get("/v1/stations/BAY-7").then(
        () => true,
        () => false,
      ),
    );
    station.plugIn(1, CAR);
    station.presentToken(1, { idToken: CARD });
    const now = page.getByRole("region", { name: "Carregando agora" });
    await now.getByText("BAY-7 · conector 1").waitFor({ timeout: 60_000 });
    await now.getByText(/[1-9]\d*,\d\skW$/).waitFor({ timeout: 60_000 });
    // More than the fee for its start.
    await now.getByText(/^R\$\s(1,5[1-9]|1,[6-9]\d|[2-9])/).waitFor({ timeout: 60_000 });
    await good(page);
    await now.getByRole("link").click();
    const lines = page.getByRole("region", { name: /até agora/ });
    await lines.getByText("Taxa de início").waitFor();
    await page.waitForFunction(() => /^Carregando · .*kW · R\$/.test(document.title));
    await good(page);
    station.presentToken(1, { idToken: CARD });
    station.unplug(1);
    // The page finds out by itself that it has ended, and that it is billed.
    await page.getByRole("button", { name: "Baixar recibo" }).waitFor({ timeout: 90_000 });
    await page.getByRole("region", { name: "Como se chega ao valor" }).getByText("Energia").waitFor();
    await good(page);
    const receipt = await download(page, "Baixar recibo");
    expect(receipt.name).toMatch(/^recibo-\d+\.pdf$/);
    expect(receipt.bytes.subarray(0, 5).toString("latin1")).toBe("%PDF-");
    await page.getByRole("link", { name: "Minhas recargas" }).click();
    await page.getByRole("listitem").getByText(/^R\$/).waitFor();
    expect(await now.count()).toBe(0);
    await good(page);
    await watched.close();
    const { items } = await api.get<Listed<Cdr>>(`/v1/cdrs?idToken=${CARD}`);
    expect(items).toHaveLength(1);
    cdr = items[0] as Cdr;
  });

  it("sees what it owes, and the statement of a time that is over", { timeout: 90_000 }, async () => {
    const to = new Date().toISOString();
    const account = `driver:${driverId}`;
    const from = "2026-01-01T00:00:00Z";
    await api.post("/v1/statements", { account, from, to });
    const watched = await signedIn("/my/statements");
    const { page } = watched;
    await page.getByText("em aberto", { exact: true }).waitFor();
    await page.getByRole("listitem").getByRole("link").click();
    await page
      .getByRole("region", { name: "O que aconteceu" })
      .getByRole("link", { name: "Recarga" })
      .waitFor();
    await good(page);
    const file = await download(page, "Baixar extrato");
    expect(file.name).toMatch(/^extrato-\d+\.pdf$/);
    expect(file.bytes.subarray(0, 5).toString("latin1")).toBe("%PDF-");
    await page
      .getByRole("region", { name: "O que aconteceu" })
      .getByRole("link", { name: "Recarga" })
      .click();
    await page.getByRole("button", { name: "Baixar recibo" }).waitFor();
    expect(page.url()).toContain(cdr.transactionId);
    await watched.close();
  });

  it(
    "pays a part by card and the rest by Pix, and nothing is open any more",
    { timeout: 150_000 },
    async () => {
      const settings = {
        ...{ currency: "BRL", payMinutes: 40 },
        ...{ defaultAmountMinor: 5_000, minAmountMinor: 500, maxAmountMinor: 30_000 },
      };
      const sandbox = (enabled: boolean) =>
        api.put("/v1/payment-providers/sandbox", { enabled, settings: { ...settings, flow: "authorize" } });
      await sandbox(false);
      const watched = await signedIn("/my/statements");
      const { page } = watched;
      const pay = page.getByRole("region", { name: "Pagar o que está em aberto" });
      await pay.getByText("Não é possível pagar nesta página").waitFor();
      await good(page);
      const asking = await newPage(browser, DESKTOP);
      await asking.page.goto(`${base}/#key=${apiKey}`);
      await asking.page.getByText("Is everything charging?").waitFor();
      await asking.page.goto(`${base}/drivers/${driverId}`);
      await asking.page.getByRole("button", { name: "Ask to pay" }).click();
      const dialog = asking.page.getByRole("dialog");
      await dialog.getByRole("button", { name: "Send the mail" }).click();
      await dialog.getByText("Set up a payment provider of this currency first").waitFor();
      expect(asking.errors.splice(0).join()).toContain("409");
      await sandbox(true);
      await dialog.getByRole("button", { name: "Send the mail" }).click();
      await dialog.getByText(`give ${ANA.email} this address yourself`).waitFor();
      await dialog.getByText(/\/my\/statements$/).waitFor();
      await asking.page.mouse.move(0, 0);
      expect(await violations(asking.page)).toEqual([]);
      await asking.close();
      await api.put("/v1/payment-providers/mercado-pago", {
        settings: { ...settings, payerEmail: "drivers@example.com" },
        secrets: { accessToken: "TEST-driver-1", webhookSecret: bank.webhookSecret },
      });
      await page.reload();
      await pay.getByRole("radio", { name: "Pagamento de teste" }).check();
      await pay.getByLabel("Valor (BRL)").fill("1000000");
      await pay.getByText(/Um valor de/).waitFor();
      expect(await pay.getByRole("button", { name: /^Pagar/ }).isDisabled()).toBe(true);
      await pay.getByLabel("Valor (BRL)").fill("1,00");
      await good(page);
      await pay.getByRole("button", { name: /^Pagar R\$\s1,00$/ }).click();
      // The provider's page; from there back to where it is told whether it has come in.
      await page.getByRole("button", { name: "Pay", exact: true }).click();
      await page.getByText("Obrigado. O pagamento entrou.").waitFor();
      await page.getByText(/^Ainda há R\$/).waitFor();
      await good(page);
      const receipt = await download(page, "Baixar recibo");
      expect(receipt.bytes.subarray(0, 5).toString("latin1")).toBe("%PDF-");
      await page.getByRole("link", { name: "Extratos" }).first().click();

      await pay.getByRole("radio", { name: "Pix" }).check();
      await pay.getByRole("button", { name: /^Pagar R\$/ }).click();
      await page.getByAltText("Código QR do Pix").waitFor();
      await page.getByRole("button", { name: "Copiar código Pix" }).waitFor();
      await good(page);
      // Begun, and left: it waits where it was begun.
      await page.goto(`${base}/my/statements`);
      await pay.getByRole("link", { name: "Continuar o pagamento" }).click();
      await page.getByAltText("Código QR do Pix").waitFor();
      const paymentId = new URL(page.url()).pathname.split("/").at(-1) ?? "";
      bank.pay(paymentId);
      for (const { path, headers, body } of bank.outbox.splice(0))
        expect((await fetch(`${base}${path}`, { method: "POST", headers, body })).status).toBe(200);
      await page.getByText("Obrigado. O pagamento entrou.").waitFor();
      await page.getByText("Não há mais nada em aberto.").waitFor();
      await good(page);
      await page.getByRole("link", { name: "Extratos" }).first().click();
      await page.getByText("Nada em aberto.").waitFor();
      await pay.waitFor({ state: "detached" });
      const list = page.getByRole("region", { name: "Pagamentos" }).getByRole("listitem");
      await until("both payments are listed", async () => (await list.count()) === 2);
      await good(page);
      await watched.close();

      const operator = await newPage(browser, DESKTOP);
      await operator.page.goto(`${base}/#key=${apiKey}`);
      await operator.page.getByText("Is everything charging?").waitFor();
      await operator.page.goto(`${base}/payments/${paymentId}`);
      await operator.page
        .getByRole("heading", { name: `Payment for Driver ${driverId.slice(0, 8)}` })
        .waitFor();
      expect(await violations(operator.page)).toEqual([]);
      await operator.page.goto(`${base}/payments?account=driver:${driverId}`);
      const rows = operator.page.getByRole("main").getByRole("listitem");
      await rows
        .filter({ hasText: `Driver ${driverId.slice(0, 8)}` })
        .first()
        .waitFor();
      await operator.close();
    },
  );

  it("sees its cards, takes its data along, and asks to be erased", { timeout: 90_000 }, async () => {
    const watched = await signedIn("/my/tokens");
    const { page } = watched;
    const card = page.getByRole("listitem").filter({ hasText: "Cartão azul" });
    await card.getByText("Funciona").waitFor();
    await good(page);
    await page.getByRole("link", { name: "Meus dados" }).click();
    await page.getByRole("main").getByText(ANA.name).waitFor();
    const file = await download(page, "Baixar meus dados");
    const data = JSON.parse(file.bytes.toString("utf8")) as { cdrs: Cdr[] };
    expect(data.cdrs).toMatchObject([{ cdrId: cdr.cdrId }]);
    await page.getByRole("button", { name: "Pedir exclusão" }).click();
    await good(page);
    await page.getByRole("dialog").getByRole("button", { name: "Pedir exclusão" }).click();
    await page.getByText("Exclusão pedida em").waitFor();
    await good(page);
    const wishes = () => api.get<Listed<{ driverId: string }>>("/v1/drivers?erasureRequested=true");
    expect((await wishes()).items).toMatchObject([{ driverId }]);
    await page.getByRole("button", { name: "Quero ficar" }).click();
    await page.getByRole("button", { name: "Pedir exclusão" }).waitFor();
    expect((await wishes()).items).toEqual([]);
    await watched.close();
  });

  it("reaches no page of the operator's, nor the operator one of its", { timeout: 90_000 }, async () => {
    const watched = await signedIn("/transactions", DESKTOP);
    const { page } = watched;
    await page.getByText("“see transactions” is missing").waitFor();
    await page.goto(`${base}/`);
    await page.getByRole("heading", { name: "My charges" }).waitFor();
    await page.goto(`${base}/account`);
    await page.getByRole("heading", { name: "My account" }).waitFor();
    await page
      .getByRole("navigation", { name: "Where you are" })
      .getByRole("link", { name: "Charges" })
      .click();
    await page.getByRole("heading", { name: "My charges" }).waitFor();
    await watched.close();
    const operator = await newPage(browser, DESKTOP);
    await operator.page.goto(`${base}/#key=${apiKey}`);
    await operator.page.getByText("Is everything charging?").waitFor();
    expect(await operator.page.getByRole("link", { name: "My data" }).count()).toBe(0);
    await operator.page.goto(`${base}/my/charges`);
    await operator.page.getByText("“see one's own charging” is missing").waitFor();
    await operator.close();
  });
});

describe("an operator and its drivers", () => {
  it("invites a driver from its page, and sees that it asks to be erased", { timeout: 120_000 }, async () => {
    const bia = await api.post<{ driverId: string }>("/v1/drivers", { name: "Bia Lima", language: "pt-BR" });
    const operator = await newPage(browser, DESKTOP);
    await operator.page.goto(`${base}/#key=${apiKey}`);
    await operator.page.getByText("Is everything charging?").waitFor();
    await operator.page.goto(`${base}/drivers/${bia.driverId}`);
    await operator.page.getByRole("button", { name: "Invite to sign in" }).click();
    const dialog = operator.page.getByRole("dialog");
    await dialog.getByLabel("Their e-mail address").fill("bia@example.com");
    expect(await violations(operator.page)).toEqual([]);
    await dialog.getByRole("button", { name: "Send the invitation" }).click();
    const link = (await dialog.getByText(/#token=/).textContent()) ?? "";
    await dialog.getByRole("button", { name: "Done" }).click();

    const driver = await newPage(browser, PHONE);
    await driver.page.goto(new URL(link).href.replace(/^https?:\/\/[^/]+/, base));
    await driver.page.getByLabel("Seu nome").fill("Bia");
    await driver.page.getByLabel("Escolha uma senha").fill(ANA.password);
    await driver.page.getByRole("button", { name: /Aceitar/ }).click();
    // Known at once, though no mail has gone out.
    await driver.page.getByText("Nenhuma recarga ainda").waitFor();
    await driver.page.getByRole("link", { name: "Meus dados" }).click();
    await driver.page.getByRole("button", { name: "Pedir exclusão" }).click();
    await driver.page.getByRole("dialog").getByRole("button", { name: "Pedir exclusão" }).click();
    await driver.page.getByText("Exclusão pedida em").waitFor();
    await driver.close();

    await operator.page.reload();
    await operator.page.getByText("Signs in and sees what is their own.").waitFor();
    await operator.page.getByText(/^Asked to be erased:/).waitFor();
    expect(await violations(operator.page)).toEqual([]);
    await operator.page.goto(`${base}/drivers`);
    await operator.page.getByRole("link", { name: "Show only these" }).click();
    await operator.page.getByText("Only those who asked to be erased.").waitFor();
    const rows = operator.page.getByRole("main").getByRole("listitem");
    await rows.filter({ hasText: "Bia Lima" }).getByText("Asks to be erased").waitFor();
    await until("the others are out of the list", async () => (await rows.count()) === 1);
    expect(await violations(operator.page)).toEqual([]);
    await operator.close();
  });
});

describe("the page behind a receipt's code", () => {
  it("says what a genuine receipt says, also when it was corrected since", { timeout: 60_000 }, async () => {
    const { code } = await api.post<{ code: string }>("/v1/receipts", { cdrId: cdr.cdrId });
    const watched = await newPage(browser, PHONE);
    const { page } = watched;
    await page.goto(`${base}/receipts/${code}`);
    await page.getByText("Este recibo é verdadeiro").waitFor();
    await page
      .getByText(new RegExp(`^R\\$\\s${(cdr.totalMinor / 100).toFixed(2).replace(".", ",")}$`))
      .waitFor();
    // Nobody's name, nor card.
    expect(await page.locator("body").textContent()).not.toMatch(/Ana|ANA-CARD|BAY-7/);
    await good(page);
    await api.post(`/v1/cdrs/${cdr.cdrId}/corrections`, { reason: "The cable was broken", totalMinor: 100 });
    await page.reload();
    await page.getByText("Verdadeiro, mas corrigido depois").waitFor();
    await good(page);
    await watched.close();
  });

  it("says that there is no such receipt, and takes another code", { timeout: 60_000 }, async () => {
    const { code } = await api.post<{ code: string }>("/v1/receipts", { cdrId: cdr.cdrId });
    const watched = await newPage(browser, { ...PHONE, locale: "en-GB", colorScheme: "light" });
    const { page } = watched;
    await page.goto(`${base}/receipts/0000-0000-0000-0000`);
    await page.getByText("There is no such receipt").waitFor();
    expect(watched.errors.splice(0).join()).toContain("404");
    await good(page);
    // As somebody types it.
    await page.getByLabel("Code of the receipt").fill(code.toLowerCase().replaceAll("-", " "));
    await page.getByRole("button", { name: "Check" }).click();
    await page.getByText("Genuine, but corrected since").waitFor();
    await page.getByRole("button", { name: "Check another receipt" }).click();
    await page.getByLabel("Code of the receipt").waitFor();
    await good(page);
    await watched.close();
  });

  it("shows a driver the earlier amount of a corrected charge", { timeout: 60_000 }, async () => {
    const watched = await signedIn(`/my/charges/${cdr.transactionId}`, DESKTOP);
    const { page } = watched;
    await page.getByRole("region", { name: "Earlier amounts" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await watched.close();
  });
});
