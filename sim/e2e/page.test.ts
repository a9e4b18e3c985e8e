/**
 * The page in a real browser against the whole system: what an operator sees and clicks, at desktop and
 * phone size, in both languages and colour schemes, with axe looking over the shoulder.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../services/until.ts";
import { DESKTOP, overflow, PHONE, violations } from "./browser.ts";
import { startWhole, type Whole } from "./whole.ts";

let whole: Whole;
beforeAll(async () => void (whole = await startWhole()), 240_000);
afterAll(() => whole?.end());

/** A station ends a transaction which nobody saw begin, and goes away. */
const sayOrphanStop = (stationId: string) => {
  const stop = { transactionId: 424_242, meterStop: 18_400, timestamp: new Date().toISOString() };
  return whole.say(stationId, [["StopTransaction", () => stop]]);
};

/** Addresses of a station's parts, with a word of each in Portuguese. */
const STATION_PAGES: [path: string, text: string][] = [
  ["/stations/AC-1/commands", "Limitar a corrente"],
  ["/stations/AC-1/commands?send=limit", "O que vai ser enviado"],
  ["/stations/DC-1/commands?send=expert&message=SetChargingProfile", "chargingSchedulePeriod 1"],
  ["/stations/DC-1/configuration", "OCPPCommCtrlr"],
  ["/stations/DC-1/energy", "Lista local"],
  ["/stations/AC-1/files", "Logs desta estação"],
  ["/stations/AC-1/timeline", "MeterValues"],
  ["/stations/AC-1/settings", "Registro"],
  ["/templates", "Novo modelo"],
  ["/templates/new", "Salvar modelo"],
];

describe("the operator's page", () => {
  it("lets nobody in without a key, and takes the one that is pasted", { timeout: 60_000 }, async () => {
    const context = await whole.browser.newContext(DESKTOP);
    const page = await context.newPage();
    await page.goto(whole.base);
    await page.getByText("Sign in with an API key").click();
    const input = page.getByLabel("API key");
    await input.fill("sg_wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").first().waitFor();
    await input.fill(whole.apiKey);
    await page.keyboard.press("Enter");
    await page.getByText("Is everything charging?").waitFor();
    expect(page.url()).not.toContain(whole.apiKey);
    await context.close();
  });

  it("leads from the overview to a station and shows its charge live", { timeout: 90_000 }, async () => {
    const { page, close } = await whole.open(DESKTOP);
    await page.getByText("Yes, everything is charging").waitFor({ timeout: 40_000 });
    await page.getByRole("link", { name: /Demo/ }).first().click();
    await page.getByRole("link", { name: /AC-1/ }).first().click();
    await page.getByRole("heading", { name: "AC-1" }).waitFor();
    await page.getByText("Charging").first().waitFor({ timeout: 40_000 });
    // The curve, drawn on a canvas.
    await page.locator("canvas").first().waitFor();
    await page.getByText("MeterValues").first().waitFor();
    expect(await violations(page)).toEqual([]);
    await close();
  });

  it("resets a station after asking, and follows the command to its end", { timeout: 90_000 }, async () => {
    const { page, close } = await whole.open(DESKTOP, "/stations/AC-2");
    await page.getByRole("button", { name: "Reset", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("AC-2").first().waitFor();
    await dialog.getByRole("radio").last().check();
    await dialog.getByRole("button", { name: /Reset/ }).last().click();
    await page.getByText("Succeeded").first().waitFor({ timeout: 30_000 });
    // It goes away and comes back by itself.
    await page.getByText("BootNotification").first().waitFor({ timeout: 60_000 });
    await close();
  });

  it("sends a command from the picker, and shows its life and its answer", { timeout: 90_000 }, async () => {
    const { page, close } = await whole.open(DESKTOP, "/stations/AC-1/commands");
    // What its version cannot do is named with what can.
    await page.getByText(/things that OCPP 1.6 cannot do/).click();
    await page.getByText("Show a message on the display").waitFor();
    expect(await page.getByRole("link", { name: "Show a message on the display" }).count()).toBe(0);
    await page.getByRole("searchbox").fill("limit");
    await page.getByRole("link", { name: /Limit the current/ }).click();
    await page.getByLabel("Limit (A)").fill("10");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("heading", { name: "Limit to 10" }).waitFor();
    await page.getByText("Succeeded").first().waitFor({ timeout: 30_000 });
    await page.getByText('"status": "Accepted"').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("link", { name: "Reservations & profiles" }).click();
    const profile = page.getByRole("listitem").filter({ hasText: "TxDefaultProfile" });
    await profile.getByText("In force").waitFor();
    await profile.getByRole("button", { name: "Clear profile" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Clear profile" }).click();
    await profile.getByText("Cleared").waitFor({ timeout: 30_000 });
    await close();
  });

  it("resets a station from the picker, at once", { timeout: 90_000 }, async () => {
    const { page, close } = await whole.open(DESKTOP, "/stations/AC-2/commands");
    await page
      .getByRole("region", { name: "Station" })
      .getByRole("link", { name: /^Reset/ })
      .click();
    await page.getByLabel(/^Type/).selectOption("Immediate");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("Succeeded").first().waitFor({ timeout: 30_000 });
    await close();
  });

  it(
    "sends any message of the station's version, checked while it is written",
    { timeout: 90_000 },
    async () => {
      const { page, close } = await whole.open(DESKTOP, "/stations/AC-1/commands");
      await page.getByRole("link", { name: "Any OCPP message" }).click();
      await page.getByLabel("Message of OCPP 1.6").selectOption("ChangeConfiguration");
      await page.getByRole("button", { name: "Send" }).click();
      await page.getByText("Must be filled in").first().waitFor();
      expect(await violations(page)).toEqual([]);
      await page.getByLabel("key", { exact: true }).fill("HeartbeatInterval");
      const json = page.getByLabel(/What will be sent/);
      expect(JSON.parse(await json.inputValue())).toEqual({ key: "HeartbeatInterval" });
      // Written on either side, it is the same value.
      await json.fill('{ "key": "HeartbeatInterval", "value": "90", "surprise": 1 }');
      await page.getByText("Not part of this message").waitFor();
      await page.getByRole("button", { name: "Remove surprise" }).click();
      expect(await page.getByLabel("value", { exact: true }).inputValue()).toBe("90");
      await page.getByRole("button", { name: "Send" }).click();
      await page.getByRole("heading", { name: "ChangeConfiguration" }).waitFor();
      await page.getByText('"status": "Accepted"').waitFor({ timeout: 30_000 });
      await close();
    },
  );

  it("keeps a template, shows what drifts from it, and changes a value", { timeout: 120_000 }, async () => {
    const { page, close } = await whole.open(DESKTOP, "/templates/new");
    await page.getByRole("button", { name: "Save template" }).click();
    await page.getByText("Must be filled in").first().waitFor();
    await page.getByLabel("Name", { exact: true }).fill("Fleet");
    await page.getByLabel("Variable", { exact: true }).fill("NoSuchKey");
    await page.getByLabel("Value", { exact: true }).fill("60");
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Save template" }).click();
    await page.getByRole("link", { name: "Fleet" }).waitFor();
    await page.goto(`${whole.base}/stations/AC-1/configuration`);
    await page.getByRole("button", { name: "Read all now" }).click();
    const drifting = page.getByRole("listitem").filter({ hasText: "NoSuchKey" });
    await drifting.getByText("Fleet wants").waitFor({ timeout: 30_000 });
    await page.getByRole("searchbox").fill("ConnectionTimeOut");
    await page.getByRole("button", { name: "Edit ConnectionTimeOut" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("ConnectionTimeOut").fill("75");
    await dialog.getByRole("button", { name: "Write to the station" }).click();
    await dialog.getByText("Succeeded").waitFor({ timeout: 30_000 });
    await dialog.getByRole("button", { name: "Close" }).last().click();
    const row = page.getByRole("listitem").filter({ hasText: "ConnectionTimeOut" });
    await row.getByText("75").waitFor({ timeout: 30_000 });
    await close();
  });

  it("prepares a station, holds it and lets it in", { timeout: 90_000 }, async () => {
    const { page, close } = await whole.open(DESKTOP, "/sites/demo");
    await page.getByRole("button", { name: "Prepare a station" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name of the station").fill("BAY-77");
    await dialog.getByRole("radio", { name: /Pending/ }).check();
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Prepare" }).click();
    await page.getByRole("heading", { name: "BAY-77" }).waitFor();
    const registration = page.getByRole("region", { name: "Registration" });
    await registration.getByText("Held (Pending)").waitFor();
    await registration.getByRole("button", { name: "Hold or release" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Release" }).click();
    await registration.getByText("Released").waitFor();
    const password = page.getByRole("region", { name: "Password" });
    await password.getByRole("button", { name: "Set password" }).click();
    const ask = page.getByRole("dialog");
    await ask.getByRole("button", { name: "Make one up" }).click();
    await ask.getByRole("button", { name: "Set password" }).click();
    await password.getByText("that was set from here counts").waitFor();
    await close();
  });

  it("takes firmware and offers it to the station", { timeout: 60_000 }, async () => {
    const { page, close } = await whole.open(DESKTOP, "/stations/AC-1/files");
    await page.getByLabel("Upload firmware").setInputFiles({
      name: "post 22 v2.bin",
      mimeType: "application/octet-stream",
      buffer: Buffer.alloc(70_000, 7),
    });
    const row = page.getByRole("listitem").filter({ hasText: "post_22_v2.bin" });
    await row.getByText("Stored").waitFor();
    await row.getByRole("button", { name: "Install" }).click();
    await page.getByRole("dialog").getByText("The station fetches the file and restarts.").waitFor();
    expect(await violations(page)).toEqual([]);
    await close();
  });

  it("creates a token and blocks it", { timeout: 60_000 }, async () => {
    const { page, close } = await whole.open(DESKTOP, "/tokens");
    await page.getByText("DEMO-ANA").first().waitFor();
    await page.getByRole("button", { name: "New token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Identifier").fill("CARD-7");
    await dialog.getByRole("button", { name: "Register" }).click();
    const row = page.getByRole("row").or(page.getByRole("listitem")).filter({ hasText: "CARD-7" }).first();
    await row.getByRole("button", { name: /^Block/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Block", exact: true }).click();
    await row.getByText("Blocked").waitFor();
    await row.getByRole("button", { name: /^Edit/ }).click();
    const form = page.getByRole("dialog");
    await form.getByLabel("At all sites").uncheck();
    await form.getByLabel("Demo").check();
    await form.getByLabel("Trusted").check();
    expect(await violations(page)).toEqual([]);
    await form.getByRole("button", { name: "Save" }).click();
    await row.getByText("only at 1 site").waitFor();
    await row.getByText("trusted").waitFor();
    expect(await violations(page)).toEqual([]);
    await close();
  });

  it("changes the rules of a site, and its ER has them within seconds", { timeout: 60_000 }, async () => {
    const { page, close } = await whole.open(DESKTOP, "/sites/demo");
    const rules = page.getByRole("region", { name: "Rules", exact: true });
    await rules.getByText("Is refused").waitFor();
    await rules.getByRole("button", { name: "Change" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("radio", { name: /Charges up to a cap/ }).check();
    await dialog.getByLabel("Per charge (kWh)").fill("7.5");
    await dialog.getByLabel(/Limit of stations/).fill("16");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Save the rules" }).click();
    await rules.getByText("Up to 7.50 kWh").waitFor();
    await rules.getByText("16.0 A per station").waitFor();
    const policyVersions = async () => {
      const { get } = whole.api;
      const site = await get<{ policyVersion: number }>("/v1/sites/demo");
      const er = await get<{ policyVersion: number }>("/v1/ers/er-demo");
      return [site.policyVersion, er.policyVersion];
    };
    await until("the ER has the rules", async () => {
      const [wanted, has] = await policyVersions();
      return wanted === has;
    });
    expect(await violations(page)).toEqual([]);
    await close();
  });

  it("counts what needs a person, and takes the decision", { timeout: 90_000 }, async () => {
    await sayOrphanStop("LOST-1");
    const { page, close } = await whole.open(DESKTOP, "/work");
    const row = page.getByRole("listitem").filter({ hasText: "LOST-1" });
    await row.getByText("Stop without a start").waitFor({ timeout: 40_000 });
    await page.getByRole("navigation").getByText("1 waiting").waitFor({ timeout: 40_000 });
    expect(await violations(page)).toEqual([]);
    await row.getByRole("link").click();
    await page.getByText("The stop of a charge arrived that nobody saw begin.").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Write off" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Note").fill("Test of the technician");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Write off" }).click();
    await page.getByText("Test of the technician").waitFor();
    await page.getByText("Resolved", { exact: true }).waitFor();
    await page.getByRole("link", { name: "Back to the work" }).click();
    await page.getByText("Nothing waits for you").waitFor();
    await page.getByRole("button", { name: "Resolved" }).click();
    await row.getByText("Written off, by local").waitFor();
    await close();
  });

  it("shows work on a phone, in Portuguese and in the dark", { timeout: 90_000 }, async () => {
    await sayOrphanStop("LOST-2");
    const { page, close } = await whole.open(PHONE, "/work");
    const row = page.getByRole("listitem").filter({ hasText: "LOST-2" });
    await row.getByText("Fim sem início").waitFor({ timeout: 40_000 });
    for (const part of ["list", "detail"]) {
      if (part === "detail") await row.getByRole("link").click();
      if (part === "detail") await page.getByRole("button", { name: "Dar baixa" }).waitFor();
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      expect(await violations(page)).toEqual([]);
    }
    await close();
  });

  it.each([DESKTOP, PHONE])(
    "shows what stations tell besides charging: $locale",
    { timeout: 60_000 },
    async (size) => {
      const stationId = size === PHONE ? "TOLD-1" : "TOLD-2";
      const timestamp = new Date().toISOString();
      const tamper = { type: "TamperDetectionActivated", timestamp, techInfo: "lid open" };
      await whole.say(stationId, [["SecurityEventNotification", () => tamper]]);
      const { page, close } = await whole.open(size, "/events?kind=security-event");
      const row = page.getByRole("listitem").filter({ hasText: stationId });
      await row.getByText("TamperDetectionActivated").waitFor({ timeout: 40_000 });
      await row.getByRole("button").click();
      await row.getByText('"lid open"').waitFor();
      expect(await violations(page)).toEqual([]);
      await row.getByRole("link", { name: stationId }).click();
      await page.getByRole("heading", { name: stationId }).waitFor();
      await page.getByText("TamperDetectionActivated").first().waitFor();
      expect(await violations(page)).toEqual([]);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      await close();
    },
  );

  it.each(STATION_PAGES)("is accessible at desktop size: %s", { timeout: 60_000 }, async (path, text) => {
    const { page, close } = await whole.open({ ...DESKTOP, locale: "pt-BR" }, path);
    await page.getByRole("main").getByText(text).first().waitFor({ timeout: 40_000 });
    expect(await violations(page)).toEqual([]);
    await close();
  });

  it.each([
    ["/", "Demo"],
    ["/sites/demo", "AC-1"],
    ["/ers/er-demo", "O que ele faz pelo local"],
    ["/stations/DC-1", "TransactionEvent"],
    ...STATION_PAGES,
    ["/transactions", "AC-1"],
    ["/tokens", "DEMO-ANA"],
  ])("fits a phone in Portuguese and in the dark: %s", { timeout: 60_000 }, async (path, text) => {
    const { page, close } = await whole.open(PHONE, path);
    await page.getByRole("main").getByText(text).first().waitFor({ timeout: 40_000 });
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(await page.locator("html").getAttribute("lang")).toBe("pt-BR");
    expect(await violations(page)).toEqual([]);
    await close();
  });
});
