/**
 * People at the page, in real browsers against the whole system: an owner signs in and invites, somebody accepts and
 * sees what they may and no more, a second factor and a passkey let in, a key is made and revoked; and a guest with a
 * phone pays at a connector, charges and gets a receipt.
 */
import { createHmac } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seedRandom, nextRandom } from "../../shared/ids.ts";
import { freePort } from "../services/child.ts";
import { launchChromium } from "../services/chromium.ts";
import { until } from "../services/until.ts";
import { systemClock } from "../station/clock.ts";
import { socketTransport } from "../station/socket.ts";
import { createStation } from "../station/station.ts";
import type { Station } from "../station/types.ts";
import { DESKTOP, newPage, overflow, PHONE, violations, type Watched } from "./browser.ts";
import { apiClient, startProgram, untilPrinted, type Program } from "./processes.ts";

const ANA = { email: "ana@example.com", name: "Ana Souza", password: "a sentence of mine" };

let dir: string;
let program: Program;
let browser: Browser;
let base: string;
let erPort: number;
let owner: { email: string; password: string };
let api: ReturnType<typeof apiClient>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "moov-people-"));
  erPort = await freePort();
  const env = { DATA_DIR: dir, SG_PORT: String(await freePort()), ER_PORT: String(erPort) };
  base = `http://localhost:${env.SG_PORT}`;
  program = startProgram(["sim/start.ts"], env);
  browser = await launchChromium();
  await untilPrinted(program, "Moov.olt is running.", 90_000);
  const credentials = JSON.parse(await readFile(join(dir, "credentials.json"), "utf8")) as {
    apiKey: string;
    owner: typeof owner;
  };
  owner = credentials.owner;
  api = apiClient(base, credentials.apiKey);
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await program?.end("SIGINT");
  await rm(dir, { recursive: true, force: true });
});

async function enter(page: Page, who: { email: string; password: string }): Promise<void> {
  await page.getByLabel("E-mail").fill(who.email);
  await page.getByLabel(/^(Password|Senha)$/).fill(who.password);
  await page.getByRole("button", { name: /^(Sign in|Entrar)$/ }).click();
}

/** Somebody who is signed in, at a page. */
async function signedIn(
  who: { email: string; password: string },
  path = "/",
  options: BrowserContextOptions = DESKTOP,
): Promise<Watched> {
  const watched = await newPage(browser, options);
  await watched.page.goto(`${base}${path}`);
  await enter(watched.page, who);
  await watched.page.locator("#main h1").first().waitFor();
  return watched;
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** What an authenticator app shows (RFC 6238), of a secret as people type it. */
function totp(secret: string, atMs: number): string {
  const bits = Array.from(secret.replaceAll(/[\s=]/g, ""))
    .map((letter) => BASE32.indexOf(letter.toUpperCase()).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / 30_000)));
  const hash = createHmac("sha1", key).update(counter).digest();
  const offset = (hash.at(-1) ?? 0) & 0x0f;
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

describe("people at the page", () => {
  it("signs an owner in, live, and out again", { timeout: 90_000 }, async () => {
    const watched = await newPage(browser, DESKTOP);
    const { page, errors } = watched;
    await page.goto(`${base}/transactions`);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await enter(page, { ...owner, password: "not this one" });
    await page.getByRole("alert").getByText("The e-mail address or the password is wrong").waitFor();
    // The refusal itself, and nothing else.
    expect(errors.splice(0).join()).toContain("401");
    await enter(page, owner);
    // Where they wanted to go.
    await page.getByRole("heading", { name: "Transactions" }).waitFor();
    await page.getByText("Live", { exact: true }).waitFor({ timeout: 20_000 });
    await page.reload();
    await page.getByRole("heading", { name: "Transactions" }).waitFor();
    await page.getByRole("button", { name: "Preferences and account" }).click();
    await page.getByText(owner.email).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await watched.close();
  });

  it("brings a session that was ended elsewhere to the sign-in, and back", { timeout: 90_000 }, async () => {
    const one = await signedIn(owner, "/people");
    const other = await signedIn(owner, "/account");
    await other.page.getByRole("button", { name: "End all others" }).click();
    await other.page.getByRole("button", { name: "End all others" }).waitFor({ state: "detached" });
    await one.page.getByRole("link", { name: "Events" }).click();
    await one.page.getByText("Your session has ended").waitFor();
    expect(one.errors.splice(0).join()).toContain("401");
    await enter(one.page, owner);
    await one.page.getByRole("heading", { name: "Events" }).waitFor();
    await one.close();
    await other.close();
  });

  it("invites somebody, who accepts elsewhere and sees less", { timeout: 120_000 }, async () => {
    const inviter = await signedIn(owner, "/people");
    const { page } = inviter;
    await page.getByRole("button", { name: "Invite" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Their e-mail address").fill(ANA.email);
    await dialog.getByLabel("Role").selectOption("support");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Send the invitation" }).click();
    const link = await dialog.getByText(/#token=/).textContent();
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.getByRole("region", { name: "Invitations" }).getByText(ANA.email).waitFor();

    const invited = await newPage(browser, DESKTOP);
    await invited.page.goto(new URL(link ?? "").href.replace(/^https?:\/\/[^/]+/, base));
    await invited.page.getByText("has invited you as Support").waitFor();
    expect(invited.page.url()).not.toContain("token");
    expect(await violations(invited.page)).toEqual([]);
    await invited.page.getByLabel("Your name").fill(ANA.name);
    await invited.page.getByLabel("Choose a password").fill(ANA.password);
    await invited.page.getByRole("button", { name: "Accept and sign in" }).click();
    await invited.page.getByText("Is everything charging?").waitFor();

    await page.reload();
    await page.getByRole("listitem").filter({ hasText: ANA.name }).getByText("Support").waitFor();
    await seesLess(invited.page);
    await invited.close();
    await inviter.close();
  });

  async function seesLess(page: Page): Promise<void> {
    await page.getByRole("button", { name: "Menu" }).click();
    const menu = page.locator("#menu");
    await menu.getByRole("link", { name: "Transactions" }).waitFor();
    expect(await menu.getByRole("link", { name: "People" }).count()).toBe(0);
    expect(await menu.getByRole("link", { name: "API keys" }).count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    // An address that somebody sent: what is missing, and whom to ask; nothing was even asked for.
    await page.goto(`${base}/people`);
    await page.getByText("“see people” is missing. Ask an owner or an administrator.").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.goto(`${base}/tokens`);
    const create = page.getByRole("button", { name: "New token" });
    await create.waitFor();
    expect(await create.getAttribute("aria-disabled")).toBe("true");
    // As somebody who tries all the same.
    await create.click({ force: true });
    expect(await page.getByRole("dialog").count()).toBe(0);
  }

  it("changes a role and takes access away", { timeout: 90_000 }, async () => {
    const watched = await signedIn(owner, "/people");
    const { page } = watched;
    const row = page.getByRole("listitem").filter({ hasText: ANA.email });
    await row.getByRole("button", { name: /Change/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Role").selectOption("site-host");
    await dialog.getByLabel("At all sites").uncheck();
    await dialog.getByLabel("Demo").check();
    await dialog.getByLabel("Access until").fill("2099-12-31");
    await dialog.getByRole("button", { name: "Save" }).click();
    // It stands in the row, with the names of all roles in its list.
    await dialog.waitFor({ state: "detached" });
    await row.getByText("Site host").waitFor();
    await row.getByText("Demo").waitFor();
    await row.getByText(/Access until .*2099/).waitFor();
    expect(await violations(page)).toEqual([]);
    // The last owner stays.
    await page.getByRole("button", { name: `Change ${owner.email}` }).click();
    await dialog.getByRole("button", { name: "Remove access" }).click();
    await dialog.getByRole("button", { name: "Remove access" }).click();
    await dialog.getByText("This is the only owner").waitFor();
    expect(watched.errors.splice(0).join()).toContain("409");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await watched.close();
  });

  it("makes a key that works, shows it once, and revokes it", { timeout: 90_000 }, async () => {
    const watched = await signedIn(owner, "/keys");
    const { page } = watched;
    await page.getByRole("button", { name: "New API key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Dashboard");
    await dialog.getByLabel("Everything that the role may").uncheck();
    await dialog.getByLabel("see sites").check();
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Make the key" }).click();
    const key = (await dialog.getByText(/^sg_/).textContent()) ?? "";
    expect((await apiClient(base, key).get<{ items: unknown[] }>("/v1/sites")).items).toHaveLength(1);
    await expect(apiClient(base, key).get("/v1/stations")).rejects.toThrow("403");
    await dialog.getByRole("button", { name: "I have kept it" }).click();
    const row = page.getByRole("listitem").filter({ hasText: "Dashboard" });
    await row.getByText("only 1 permission").waitFor();
    await row.getByRole("button", { name: /Revoke/ }).click();
    await dialog.getByRole("button", { name: "Revoke" }).click();
    await row.waitFor({ state: "detached" });
    await page.getByRole("button", { name: /those that are over/ }).click();
    await row.getByText("Revoked").waitFor();
    expect(await violations(page)).toEqual([]);
    await watched.close();
  });

  it("shows in the audit who did what, and gives it as a file", { timeout: 90_000 }, async () => {
    const watched = await signedIn(owner, "/audit");
    const { page } = watched;
    const row = page.getByRole("listitem").filter({ hasText: "Changed somebody's access" }).first();
    await row.getByRole("button").first().click();
    await row.getByText("site-host").waitFor();
    expect(await violations(page)).toEqual([]);
    await row.getByRole("button", { name: "All of this action" }).click();
    await page.getByText("Made an API key").waitFor({ state: "detached" });
    expect(new URL(page.url()).searchParams.get("action")).toBe("user.update");
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download CSV" }).click(),
    ]);
    const csv = await readFile(await file.path(), "utf8");
    expect(csv.split("\n")[0]).toContain("auditId,at,actor,action");
    expect(csv).toContain("user.update");
    expect(csv).not.toContain("key.create");
    await watched.close();
  });

  it(
    "asks for a code of the app once there is one, and takes a passkey instead",
    { timeout: 120_000 },
    async () => {
      const watched = await signedIn(ANA, "/account");
      const { page } = watched;
      const devices = await page.context().newCDPSession(page);
      await devices.send("WebAuthn.enable");
      await devices.send("WebAuthn.addVirtualAuthenticator", {
        options: {
          ...{ protocol: "ctap2", transport: "internal", automaticPresenceSimulation: true },
          ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
        },
      });
      await page.getByRole("button", { name: "Set up an app" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Current password").fill(ANA.password);
      await dialog.getByRole("button", { name: "Continue" }).click();
      await dialog.getByRole("img", { name: "QR code of the second factor" }).waitFor();
      await dialog.getByText("I cannot scan it").click();
      const secret = (await dialog.getByText(/^[A-Z2-7=]{16,}$/).textContent()) ?? "";
      expect(await violations(page)).toEqual([]);
      await dialog.getByLabel("Code of the app").fill(totp(secret, Date.now()));
      await dialog.getByRole("button", { name: "Continue" }).click();
      await dialog.getByText("Keep them now").waitFor();
      const backupCode = (await dialog.getByRole("listitem").first().textContent()) ?? "";
      await dialog.getByRole("button", { name: "I have kept them" }).click();
      await page.getByText("On", { exact: true }).waitFor();

      await page.getByRole("button", { name: "Add a passkey" }).click();
      await dialog.getByLabel("Name of the device").fill("Phone");
      await dialog.getByRole("button", { name: "Continue" }).click();
      await page.getByRole("listitem").filter({ hasText: "Phone" }).waitFor();
      expect(await violations(page)).toEqual([]);

      const signOut = async () => {
        await page.getByRole("button", { name: "Preferences and account" }).click();
        await page.getByRole("button", { name: "Sign out" }).click();
        await page.getByRole("heading", { name: "Sign in" }).waitFor();
      };
      await signOut();
      await page.getByRole("button", { name: "Sign in with a passkey" }).click();
      await page.getByRole("heading", { name: "My account" }).waitFor();
      await signOut();
      await enter(page, ANA);
      await page.getByRole("button", { name: "Use a backup code" }).click();
      await page.getByLabel("Backup code").fill(backupCode);
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: "Confirm" }).click();
      await page.getByRole("heading", { name: "My account" }).waitFor();
      await watched.close();
    },
  );

  it.each([
    ["/people", "Pessoas com acesso"],
    ["/keys", "Chaves em uso"],
    ["/audit", "Baixar CSV"],
    ["/account", "Onde estou conectado"],
  ])("fits a phone in Portuguese and in the dark: %s", { timeout: 60_000 }, async (path, text) => {
    const watched = await signedIn(owner, path, PHONE);
    await watched.page.getByRole("main").getByText(text).first().waitFor();
    expect(await overflow(watched.page)).toBeLessThanOrEqual(0);
    expect(await violations(watched.page)).toEqual([]);
    await watched.close();
  });

  it.each(["/sign-in", "/invitation", "/reset-password", "/verify-email", "/setup"])(
    "is accessible to who is not signed in: %s",
    { timeout: 60_000 },
    async (path) => {
      const watched = await newPage(browser, PHONE);
      await watched.page.goto(`${base}${path}`);
      await watched.page.getByRole("heading").first().waitFor();
      expect(await overflow(watched.page)).toBeLessThanOrEqual(0);
      expect(await violations(watched.page)).toEqual([]);
      await watched.close();
    },
  );
});

describe("a guest at a connector", () => {
  const TINY = { viewport: { width: 320, height: 640 }, locale: "pt-BR", hasTouch: true, isMobile: true };
  let station: Station;
  let code: string;

  beforeAll(async () => {
    const { tariffId } = await api.post<{ tariffId: string }>("/v1/tariffs", {
      name: "Day",
      terms: { currency: "BRL", elements: [{ perKwhMicro: 1_950_000 }] },
    });
    await api.post("/v1/tariff-assignments", { tariffId, target: {} });
    await api.put("/v1/payment-providers/sandbox", {
      settings: {
        ...{ currency: "BRL", defaultAmountMinor: 5_000, minAmountMinor: 500, maxAmountMinor: 30_000 },
        payMinutes: 40,
      },
    });
    const random = seedRandom([7]);
    station = createStation({
      ...{ id: "GUEST-1", version: "1.6", clock: systemClock, timing: { tickMs: 500 } },
      evses: [{ connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" }],
      random: () => nextRandom(random),
      transportFactory: socketTransport({ url: `ws://127.0.0.1:${erPort}/ocpp` }),
    });
    code = await until(
      "the station has a code",
      async () =>
        (await api.get<{ code: string }>("/v1/stations/GUEST-1/evses/1/qr").catch(() => undefined))?.code,
      40_000,
    );
  }, 60_000);
  afterAll(() => station?.stop(0));

  const CAR = {
    batteryWh: 60_000,
    socPercent: 30,
    maxAcW: 22_000,
    phases: 3,
    maxDcW: 50_000,
    seed: 7,
  } as const;

  it("pays, plugs in, charges, stops and has a receipt", { timeout: 180_000 }, async () => {
    const watched = await newPage(browser, TINY);
    const { page } = watched;
    const good = async () => {
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      expect(await violations(page)).toEqual([]);
    };
    await page.goto(`${base}/c/${code.toLowerCase()}`);
    await page.getByText("R$ 1,95 por kWh").waitFor();
    await page.getByText("Livre", { exact: true }).waitFor();
    await good();
    await page.getByRole("button", { name: /25,00/ }).click();
    await page.getByText(/cerca de 12,82/).waitFor();
    await page.getByRole("button", { name: /Reservar/ }).click();
    await page.getByRole("button", { name: "Decline" }).click();
    await page.getByText("O pagamento foi recusado").waitFor();
    await good();
    await page.getByRole("link", { name: "Continuar para o pagamento" }).click();
    await page.getByRole("button", { name: "Pay", exact: true }).click();
    await page.getByText("Conecte o carro agora").waitFor({ timeout: 40_000 });
    await good();
    station.plugIn(1, CAR);
    await page.getByRole("button", { name: "Parar a recarga" }).waitFor({ timeout: 40_000 });
    await page.getByText(/^R\$\s0,\d*[1-9]/).waitFor({ timeout: 60_000 });
    await good();

    // The phone was locked, the page is gone: the code brings the charge back.
    await page.goto(`${new URL(page.url()).origin}/c/${code}`);
    await page.getByRole("button", { name: "Abrir minha recarga" }).click();
    // No connection for a while: what is known stays, with its age.
    await page.context().setOffline(true);
    await page.getByText(/Sem notícias/).waitFor({ timeout: 40_000 });
    await page.context().setOffline(false);
    await page.getByText(/Sem notícias/).waitFor({ state: "detached", timeout: 40_000 });
    watched.errors.splice(0);

    await page.getByRole("button", { name: "Parar a recarga" }).click();
    await page.getByRole("button", { name: "Sim, parar agora" }).click();
    await page.getByText("Recarga concluída").waitFor({ timeout: 60_000 });
    await page.getByText(/da reserva liberados/).waitFor({ timeout: 60_000 });
    await good();
    const [receipt] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: /recibo/ }).click(),
    ]);
    expect((await readFile(await receipt.path())).subarray(0, 5).toString()).toBe("%PDF-");
    station.unplug(1);
    await watched.close();
  });

  it(
    "says in English that nothing was taken, and when the station is away",
    { timeout: 120_000 },
    async () => {
      const watched = await newPage(browser, { ...TINY, locale: "en-GB", colorScheme: "dark" });
      const { page } = watched;
      await page.goto(`${base}/c/${code}`);
      await page.getByText("Free", { exact: true }).waitFor({ timeout: 40_000 });
      await page.getByRole("button", { name: /Reserve/ }).click();
      await page.getByRole("button", { name: "Pay", exact: true }).click();
      await page.getByText("Plug in now").waitFor({ timeout: 40_000 });
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByText("No money was taken").waitFor({ timeout: 40_000 });
      expect(await violations(page)).toEqual([]);
      await station.stop(0);
      await page.getByRole("button", { name: "Charge again" }).click();
      await page.getByText("Cannot be reached at the moment").waitFor({ timeout: 40_000 });
      expect(await violations(page)).toEqual([]);
      await page.goto(`${base}/c/AAAAAAAAA`);
      await page.getByText("This code does not exist").waitFor();
      expect(watched.errors.splice(0).join()).toContain("404");
      await watched.close();
    },
  );
});
