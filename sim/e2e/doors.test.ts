/**
 * The doors of the page in a real browser: the first owner of a fresh SG, a forgotten password by mail, the single
 * sign-on of somebody else's provider, and one person in two organisations. The SG runs in this process; mail and the
 * provider are servers of others on this machine.
 */
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OAuth2Server, type MutableToken } from "oauth2-mock-server";
import pino from "pino";
import type { Browser, Page } from "playwright-core";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestDb, type TestDb } from "../../cloud/harness.ts";
import { checkMailConfig } from "../../cloud/mail.ts";
import { ensureOperator, issueApiKey, startSg, type Sg } from "../../cloud/sg.ts";
import { buildPage } from "../page-build.ts";
import { launchChromium } from "../services/chromium.ts";
import { freePort } from "../services/child.ts";
import { until } from "../services/until.ts";
import { DESKTOP, newPage, overflow, PHONE, violations } from "./browser.ts";
import { apiClient } from "./processes.ts";

const OWNER = { email: "rosa@example.com", name: "Rosa Prado", password: "a sentence of the owner" };
const COME = { sub: "u-7", email: "caio@example.net", name: "Caio Reis", email_verified: true };

type Mail = { to: string[]; text: string };
type Told = { level: number; msg: string; code?: string };

let db: TestDb;
let dir: string;
let sg: Sg;
let browser: Browser;
let base: string;
let provider: OAuth2Server;
let smtp: SMTPServer;
const mails: Mail[] = [];
/** What the SG's log says: whoever can read it may become the first owner. */
const log: Told[] = [];

/** @returns the address of a server that keeps every mail. */
async function startSmtp(): Promise<string> {
  smtp = new SMTPServer({
    ...{ disabledCommands: ["STARTTLS", "AUTH"], authOptional: true, logger: false },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        mails.push({ to, text: Buffer.concat(chunks).toString("utf8") });
        done();
      });
    },
  });
  const listening = smtp.listen(0, "127.0.0.1");
  await new Promise((done) => listening.once("listening", done));
  return `smtp://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

async function startProvider(): Promise<void> {
  provider = new OAuth2Server();
  await provider.issuer.keys.generate("RS256");
  await provider.start(0, "127.0.0.1");
  provider.service.on("beforeTokenSigning", (token: MutableToken) => {
    // The mock signs access and id token alike; the audience of the latter is the client.
    Object.assign(token.payload, { aud: "sg", ...COME });
  });
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "moov-doors-"));
  db = await openTestDb();
  await buildPage();
  await startProvider();
  const port = await freePort();
  base = `http://localhost:${port}`;
  sg = await startSg(
    {
      ...{ roles: ["api", "jobs"], databaseUrl: db.url, brokerUrl: "", host: "127.0.0.1", port },
      ...{ defaultOperatorId: "default", filesDir: dir },
      mail: checkMailConfig(await startSmtp(), "Moov <charging@example.com>"),
      people: {
        ...{ webUrl: base, trustProxy: [] },
        sso: {
          name: "Example",
          discoveryUrl: `${provider.issuer.url}/.well-known/openid-configuration`,
          ...{ clientId: "sg", clientSecret: "secret", domains: ["example.net"] },
        },
      },
    },
    pino({ level: "warn" }, { write: (line: string) => void log.push(JSON.parse(line) as Told) }),
  );
  browser = await launchChromium();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await sg?.stop();
  await provider?.stop();
  await new Promise<void>((done) => smtp.close(done));
  await db?.close();
  await rm(dir, { recursive: true, force: true });
});

async function enter(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** The first link of the next mail to somebody, as the mail program shows it. */
async function linkTo(email: string): Promise<string> {
  const mail = await until("the mail arrives", () => mails.find(({ to }) => to.includes(email)), 20_000);
  // Quoted-printable: lines that go on, and signs by their number.
  const text = mail.text
    .replace(/=\r?\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return /http:\/\/localhost:\d+\/\S+/.exec(text)?.[0] ?? "";
}

const apiOf = async (operatorId = "default") =>
  apiClient(base, await issueApiKey(db.url, operatorId, "tests"));

/** @returns the link that the invited person opens. */
async function invite(operatorId: string, email: string, role: string): Promise<string> {
  const api = await apiOf(operatorId);
  return (await api.post<{ link: string }>("/v1/invitations", { email, role })).link;
}

describe("the doors of the page", () => {
  it("makes the first owner by the code of the log, once", { timeout: 60_000 }, async () => {
    const watched = await newPage(browser, DESKTOP);
    const { page, errors } = watched;
    await page.goto(base);
    await page.getByText("Nobody owns this server yet").waitFor();
    await page.getByRole("link", { name: "Set it up" }).click();
    await page.getByRole("heading", { name: "First owner" }).waitFor();
    const { code } = log.find(({ msg }) => msg.includes(`${base}/setup`))!;
    await page.getByLabel("Your name").fill(OWNER.name);
    await page.getByLabel("E-mail").fill(OWNER.email);
    await page.getByLabel("Choose a password").fill(OWNER.password);
    await page.getByLabel("Setup code").fill("AAAA-AAAA-AAAA-AAAA");
    await page.getByRole("button", { name: "Make the account and sign in" }).click();
    await page.getByRole("alert").first().waitFor();
    expect(await violations(page)).toEqual([]);
    // The refusal itself, and nothing else.
    expect(errors.splice(0).join()).toMatch(/^Failed to load resource.* 40\d /);
    await page.getByLabel("Setup code").fill(code!.toLowerCase());
    await page.getByRole("button", { name: "Make the account and sign in" }).click();
    await page.locator("#main h1").first().waitFor();
    await page.getByRole("button", { name: "Preferences and account" }).click();
    await page.getByText(OWNER.email).waitFor();
    await page.getByText("Owner", { exact: true }).waitFor();
    const { items } = await (await apiOf()).get<{ items: { email: string; role: string }[] }>("/v1/users");
    expect(items).toMatchObject([{ email: OWNER.email, role: "owner" }]);
    await watched.close();

    const late = await newPage(browser, DESKTOP);
    await late.page.goto(`${base}/setup`);
    await late.page.getByText("There is an owner already").waitFor();
    await late.close();
  });

  it("lets somebody in again who forgot the password, by a mail", { timeout: 60_000 }, async () => {
    const before = await newPage(browser, DESKTOP);
    await before.page.goto(base);
    await enter(before.page, OWNER.email, OWNER.password);
    await before.page.locator("#main h1").first().waitFor();

    const watched = await newPage(browser, DESKTOP);
    const { page, errors } = watched;
    await page.goto(base);
    await page.getByRole("button", { name: "I forgot my password" }).click();
    await page.getByLabel("E-mail").fill(OWNER.email);
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Send the link" }).click();
    await page.getByText("Look into your mailbox").waitFor();
    const link = await linkTo(OWNER.email);
    await page.goto(link);
    await page.getByRole("heading", { name: "New password" }).waitFor();
    // The secret of the link does not stay in the address.
    expect(page.url()).toBe(`${base}/reset-password`);
    await page.getByLabel("New password").fill("another sentence of hers");
    await page.getByRole("button", { name: "Save the password" }).click();
    await page.getByText("The password was changed").waitFor();
    expect(await violations(page)).toEqual([]);

    // Whoever was signed in is so no more, and the link works once.
    await before.page.reload();
    await before.page.getByRole("heading", { name: "Sign in" }).waitFor();
    before.errors.splice(0);
    await before.close();
    const again = await newPage(browser, DESKTOP);
    await again.page.goto(link);
    await again.page.getByLabel("New password").fill("a third sentence of hers");
    await again.page.getByRole("button", { name: "Save the password" }).click();
    await again.page.getByRole("alert").first().waitFor();
    expect(again.errors.splice(0)).toHaveLength(1);
    await again.close();

    await page.getByRole("link", { name: "Sign in" }).click();
    await enter(page, OWNER.email, OWNER.password);
    await page.getByRole("alert").getByText("The e-mail address or the password is wrong").waitFor();
    expect(errors.splice(0).join()).toContain("401");
    OWNER.password = "another sentence of hers";
    await enter(page, OWNER.email, OWNER.password);
    await page.locator("#main h1").first().waitFor();
    await watched.close();
  });

  it(
    "takes who comes from the single sign-on, and gives them what they are invited to",
    { timeout: 60_000 },
    async () => {
      const watched = await newPage(browser, DESKTOP);
      const { page, errors } = watched;
      await page.goto(`${base}/transactions`);
      await page.getByRole("button", { name: "Sign in with Example" }).click();
      // Known, and a member of nothing.
      await page.getByRole("alert").first().waitFor();
      // No connection was lost: there is none for a member of nothing.
      await page.locator("header").getByRole("status").waitFor({ state: "detached" });
      expect(await violations(page)).toEqual([]);
      expect(errors.splice(0).join()).toContain("403");
      await page.goto(await invite("default", COME.email, "support"));
      await page.getByText("default has invited you as Support.").waitFor();
      await page.getByRole("button", { name: "Accept and sign in" }).click();
      await page.locator("#main h1").first().waitFor();
      errors.splice(0);
      await page.goto(`${base}/transactions`);
      await page.getByRole("heading", { name: "Transactions" }).waitFor();
      expect(await violations(page)).toEqual([]);
      const { items } = await (
        await apiOf()
      ).get<{ items: { email: string; role: string; name: string }[] }>("/v1/users");
      expect(items).toContainEqual(
        expect.objectContaining({ email: COME.email, name: COME.name, role: "support" }),
      );
      await watched.close();
    },
  );

  it("says why the single sign-on did not let somebody in", { timeout: 60_000 }, async () => {
    const { email } = COME;
    // A domain that this provider does not speak for.
    COME.email = "caio@elsewhere.test";
    COME.sub = "u-8";
    const watched = await newPage(browser, PHONE);
    const { page } = watched;
    await page.goto(base);
    await page.getByRole("button", { name: "Entrar com Example" }).click();
    await page.getByText("O login único não deixou você entrar").waitFor();
    expect(await violations(page)).toEqual([]);
    COME.email = email;
    await watched.close();
  });

  it("speaks Spanish, and the language that is chosen", { timeout: 60_000 }, async () => {
    const watched = await newPage(browser, { ...PHONE, locale: "es-AR" });
    const { page } = watched;
    const good = async (lang: string) => {
      expect(await page.locator("html").getAttribute("lang")).toBe(lang);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      expect(await violations(page)).toEqual([]);
    };
    await page.goto(base);
    await page.getByRole("heading", { name: "Entrar" }).waitFor();
    await good("es");
    await page.getByLabel("Correo").fill(OWNER.email);
    await page.getByLabel("Contraseña", { exact: true }).fill(OWNER.password);
    await page.getByRole("button", { name: "Entrar", exact: true }).click();
    await page.locator("#main h1").first().waitFor();
    await page.goto(`${base}/tariffs`);
    await page.getByRole("heading", { name: "¿Cuánto cuesta cargar?" }).waitFor();
    await page.getByRole("button", { name: "Preferencias y cuenta" }).click();
    await good("es");
    await page.getByText("Português").click();
    await page.getByRole("heading", { name: "Quanto custa carregar?" }).waitFor();
    await good("pt-BR");
    await page.reload();
    await page.getByRole("heading", { name: "Quanto custa carregar?" }).waitFor();
    await watched.close();
  });

  it("changes between the organisations of one person", { timeout: 60_000 }, async () => {
    await ensureOperator(db.pool, "north");
    const watched = await newPage(browser, DESKTOP);
    const { page } = watched;
    await page.goto(base);
    await enter(page, OWNER.email, OWNER.password);
    await page.locator("#main h1").first().waitFor();
    await page.goto(await invite("north", OWNER.email, "admin"));
    await page.getByRole("button", { name: "Accept and sign in" }).click();
    await page.locator("#main h1").first().waitFor();

    const choose = async (operator: string) => {
      await page.getByRole("button", { name: "Preferences and account" }).click();
      await page.getByLabel("Organisation").selectOption(operator);
      await page.getByRole("heading", { level: 1 }).first().waitFor();
    };
    await choose("north");
    await page.goto(`${base}/tokens`);
    await page.getByRole("button", { name: "New token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Identifier").fill("NORTH-1");
    await dialog.getByRole("button", { name: "Register" }).click();
    await page.getByText("NORTH-1").first().waitFor();
    await page.getByRole("button", { name: "Preferences and account" }).click();
    expect(await violations(page)).toEqual([]);
    await page.getByText("Administrator", { exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await choose("default");
    await page.goto(`${base}/tokens`);
    await page.getByText("No tokens yet").waitFor();
    // What is chosen is kept.
    await page.reload();
    await page.getByText("No tokens yet").waitFor();
    const listed = await db.rows("select operator_id from id_token where id_token = 'NORTH-1'");
    expect(listed).toEqual([{ operator_id: "north" }]);
    await watched.close();
  });
});
