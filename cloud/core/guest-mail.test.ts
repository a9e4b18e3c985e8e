/** What mails say of amounts. */
import { expect, test } from "vitest";
import { guestReceiptMail } from "./guest-mail.ts";
import { paymentRequestMail } from "./payment-mail.ts";

test("mails say the same amount as the page", () => {
  const [totalMinor, currency, url] = [1_250_000, "COP", "https://olt.example"];
  const receipt = guestReceiptMail("es", { site: "Norte", totalMinor, currency, url, again: false });
  const asked = paymentRequestMail("es", {
    operator: "O",
    owed: [{ currency, amountMinor: totalMinor }],
    url,
  });
  for (const { text } of [receipt, asked]) expect(text.replaceAll("\u00a0", " ")).toContain("12.500,00 COP");
});
