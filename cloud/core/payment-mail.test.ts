/** What the mail says that asks a driver to pay. */
import { expect, test } from "vitest";
import { paymentRequestMail } from "./payment-mail.ts";

const URL = "https://olt.example/my/statements";
const BRL = { currency: "BRL", amountMinor: 1_234_56 };

test("the mail says to whom, how much and where, in the driver's language", () => {
  const asked = { operator: "Posto Um", owed: [BRL, { currency: "JPY", amountMinor: 500 }], url: URL };
  const pt = paymentRequestMail("pt-BR", asked);
  expect(pt.subject).toBe("Posto Um: valor em aberto");
  expect(pt.text.replaceAll("\u00a0", " ")).toContain("em aberto com Posto Um: R$ 1.234,56 + JP¥ 500.");
  expect(pt.text).toContain(`\n${URL}\n`);
  expect(paymentRequestMail("en", asked).text).toContain("sign in with this address");
  expect(paymentRequestMail("es", asked).text).toContain("entre con este correo");
});

test("the name of an operator writes no line of its own", () => {
  const { subject, text } = paymentRequestMail("en", {
    operator: "A\r\nBcc: x\u2028y",
    owed: [BRL],
    url: URL,
  });
  expect(subject).toBe("A Bcc: x y: an amount is open");
  expect(text.split("\n").some((line) => line.startsWith("Bcc"))).toBe(false);
});
