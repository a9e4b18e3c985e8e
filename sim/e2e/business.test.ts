/**
 * The pages of the business in a real browser against the whole system: a tariff is written and assigned, a
 * transaction that ends is priced, billed and receipted, an alarm is acknowledged; and every page of them is
 * accessible and fits a phone.
 */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../services/until.ts";
import { DESKTOP, overflow, PHONE, violations } from "./browser.ts";
import { startWhole, type Whole } from "./whole.ts";

/** An alarm needs its station to be away for a minute. */
const ALARM_DEADLINE_MS = 150_000;

let whole: Whole;

beforeAll(async () => {
  whole = await startWhole();
  await whole.api.post("/v1/alarm-rules", {
    ...{ kind: "station-offline", name: "Bay is away", severity: "critical", params: { minutes: 1 } },
  });
  // It boots and goes away: the alarm.
  await whole.say("BAY-9", []);
}, 240_000);

afterAll(() => whole?.end());

type Listed<T> = { items: T[] };
type Running = { transactionId: string; stationId: string; startedAt: string };

/** A transaction that began after this moment and has taken energy, ended from here. */
async function endOneThatBeganAfter(moment: number): Promise<string> {
  let found: Running | undefined;
  await until(
    "a transaction runs by the new tariff",
    async () => {
      const { items } = await whole.api.get<Listed<Running & { energyWh: number | null }>>(
        "/v1/transactions?status=active&limit=50",
      );
      found = items.find((one) => Date.parse(one.startedAt) > moment && (one.energyWh ?? 0) > 20);
      return found !== undefined;
    },
    90_000,
  );
  const { stationId, transactionId } = found as Running;
  await whole.api.post(`/v1/stations/${stationId}/commands`, {
    ...{ kind: "RequestStopTransaction", params: { transactionId } },
  });
  return transactionId;
}

/** Makes room for transactions that begin after the tariff holds. */
async function endAll(): Promise<void> {
  const { items } = await whole.api.get<Listed<Running>>("/v1/transactions?status=active&limit=50");
  for (const { stationId, transactionId } of items)
    await whole.api.post(`/v1/stations/${stationId}/commands`, {
      ...{ kind: "RequestStopTransaction", params: { transactionId } },
    });
}

describe("the pages of the business", () => {
  it(
    "writes a tariff while it says what a session would cost, and assigns it",
    { timeout: 90_000 },
    async () => {
      const { page, close } = await whole.open(DESKTOP, "/tariffs/new");
      await page.getByRole("button", { name: "Save tariff" }).click();
      await page.getByText("Name at least one price").waitFor();
      await page.getByLabel("Name", { exact: true }).fill("Public");
      await page.getByLabel("Per kWh").fill("2");
      await page.getByLabel("Per charge").fill("1.50");
      await page.getByLabel("There is tax on these prices").check();
      await page.getByLabel("Name on the receipt").fill("ISS");
      await page.getByLabel("Rate (%)").fill("5");
      // 20 kWh, as the preview proposes.
      const preview = page.getByRole("region", { name: "What would this session cost?" });
      await preview
        .getByText(/R\$\s?41\.50/)
        .first()
        .waitFor();
      await preview.getByText(/20\.00\s?kWh × R\$\s?2\.00\/kWh/).waitFor();
      await preview.getByText(/Includes ISS 5%/).waitFor();
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: "Save tariff" }).click();
      await page.getByRole("heading", { name: "Public" }).waitFor();
      await page.getByRole("button", { name: "Assign a tariff" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("radio", { name: "Site", exact: true }).check();
      expect(await violations(page)).toEqual([]);
      await dialog.getByRole("button", { name: "Assign a tariff" }).click();
      await page.getByRole("button", { name: "Take away from Demo" }).waitFor();
      await page.getByRole("link", { name: "All tariffs" }).click();
      const row = page.getByRole("listitem").filter({ hasText: "Public" }).first();
      await row.getByText(/R\$\s?2\.00 per kWh, R\$\s?1\.50 per charge/).waitFor();
      await row.getByText("In use, 1 assignment").waitFor();
      await close();
    },
  );

  it("prices what has ended, and hands out its CDR and its receipt", { timeout: 240_000 }, async () => {
    const moment = Date.now();
    await endAll();
    const transactionId = await endOneThatBeganAfter(moment);
    const { page, close } = await whole.open(DESKTOP, `/transactions/${transactionId}`);
    const cost = page.getByRole("region", { name: "What it cost" });
    await cost.getByText("Start fee").waitFor({ timeout: 60_000 });
    await cost.getByText(/kWh × R\$\s?2\.00\/kWh/).waitFor();
    await cost.getByText("Billed", { exact: true }).waitFor({ timeout: 60_000 });
    expect(await violations(page)).toEqual([]);
    await cost.getByRole("link", { name: /CDR no\./ }).click();
    await page.getByRole("heading", { name: /CDR no\./ }).waitFor();
    // What was booked sums to zero.
    const ledger = page.getByRole("region", { name: "In the ledger" });
    await ledger.getByText("Revenue").waitFor();
    await ledger.getByText(/Sum R\$\s?0\.00/).waitFor();
    expect(await violations(page)).toEqual([]);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Receipt as PDF" }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^receipt-\d+\.pdf$/);
    const bytes = await readFile(await download.path());
    expect(bytes.subarray(0, 5).toString("latin1")).toBe("%PDF-");
    await close();
  });

  it("corrects a CDR with a reason; the new one stands", { timeout: 60_000 }, async () => {
    const { items } =
      await whole.api.get<Listed<{ cdrId: string; totalMinor: number }>>("/v1/cdrs?status=standing");
    const cdr = items.find(({ totalMinor }) => totalMinor > 0);
    const { page, close } = await whole.open(DESKTOP, `/cdrs/${cdr?.cdrId ?? ""}`);
    await page.getByRole("button", { name: "Correct", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/New total/).fill("1.23");
    await dialog.getByLabel("Reason").fill("The cable was broken");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Correct", exact: true }).click();
    await page.getByText("The cable was broken").waitFor();
    await page
      .getByText(/R\$\s?1\.23/)
      .first()
      .waitFor();
    await page.getByRole("link", { name: "It takes the place of another CDR" }).click();
    await page.getByText("Corrected", { exact: true }).waitFor();
    await close();
  });

  it("shows an alarm in the navigation, and acknowledges it", { timeout: 240_000 }, async () => {
    await until(
      "the alarm is raised",
      async () => {
        const { items } = await whole.api.get<Listed<{ name: string }>>("/v1/alarms?status=open");
        return items.some(({ name }) => name === "Bay is away");
      },
      ALARM_DEADLINE_MS,
    );
    const { page, close } = await whole.open(DESKTOP, "/");
    const link = page
      .getByRole("navigation")
      .getByRole("link", { name: /^Alarms/ })
      .first();
    await link.getByText("1", { exact: true }).waitFor();
    await link.click();
    await page.getByRole("heading", { name: "1 open alarm" }).waitFor();
    const alarm = page.getByRole("listitem").filter({ hasText: "Bay is away" });
    await alarm.getByRole("link", { name: "Station BAY-9" }).waitFor();
    await alarm.getByRole("button", { name: "Acknowledge" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Note (optional)").fill("Somebody drives there");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Acknowledge" }).click();
    await alarm.getByText("Somebody drives there").waitFor();
    await page.getByText("Somebody is at all of them.").waitFor();
    expect(await violations(page)).toEqual([]);
    await close();
  });

  it("says beforehand what an import of tokens would do", { timeout: 60_000 }, async () => {
    const { page, close } = await whole.open(DESKTOP, "/tokens");
    await page.getByRole("button", { name: "Import CSV" }).click();
    const dialog = page.getByRole("dialog");
    const file = (text: string) => ({ name: "t.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
    await dialog.getByLabel("File").setInputFiles(file("idToken,label,status\nCARD-8,Eight,Maybe\n"));
    await dialog.getByText("1 row has an error: nothing will be written.").waitFor();
    expect(await dialog.getByRole("button", { name: "Import", exact: true }).isDisabled()).toBe(true);
    await dialog.getByLabel("File").setInputFiles(file("idToken,label\nCARD-8,Eight\nCARD-9,Nine\n"));
    await dialog.getByText("2 new, 0 changed, 0 the same.").waitFor();
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Import", exact: true }).click();
    await dialog.getByText("Imported.").waitFor();
    await dialog.getByRole("button", { name: "Close" }).last().click();
    await page.getByText("CARD-9").waitFor();
    await close();
  });

  it.each([
    ["/tariffs", "Para quem vale"],
    ["/tariffs/new", "Quanto custaria esta recarga?"],
    ["/cdrs", "CDR nº"],
    ["/cdrs/held", "Retidas"],
    ["/ledger", "Receita"],
    ["/statements", "Novo extrato"],
    ["/payments", "Conciliação"],
    ["/payments/findings", "Conciliação"],
    ["/payments/providers", "Mercado Pago (Pix)"],
    ["/stickers/AC-1/1", "Aponte a câmera"],
    ["/drivers", "Novo motorista"],
    ["/alarms", "Abertos"],
    ["/alarms/rules", "Nova regra"],
    ["/webhooks", "Novo endereço"],
    ["/mails", "E-mail não está configurado"],
    ["/reports", "kWh"],
    ["/reports?report=uptime&group=station", "AC-1"],
    ["/exports", "Baixar agora"],
    ["/operator", "Razão social"],
  ])("fits a phone in Portuguese and in the dark: %s", { timeout: 60_000 }, async (path, text) => {
    const { page, close } = await whole.open(PHONE, path);
    await page.getByRole("main").getByText(text).first().waitFor({ timeout: 30_000 });
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(await violations(page)).toEqual([]);
    await close();
  });
});
