/** Payments: how each state looks, and what may still be done. Pure. */
import type { PaymentFindingView, PaymentView, RefundView } from "../../api/payment-schemas.ts";
import type { IconName, Tone } from "./state.ts";

type Look = { icon: IconName; tone: Tone };

export const PAYMENT_LOOK: Record<PaymentView["status"], Look> = {
  created: { icon: "clock", tone: "quiet" },
  pending: { icon: "clock", tone: "neutral" },
  authorized: { icon: "bookmark", tone: "neutral" },
  paid: { icon: "in", tone: "accent" },
  captured: { icon: "check", tone: "accent" },
  partially_refunded: { icon: "check", tone: "accent" },
  refunded: { icon: "out", tone: "quiet" },
  cancelled: { icon: "x", tone: "quiet" },
  failed: { icon: "alert", tone: "amber" },
  expired: { icon: "clock", tone: "quiet" },
  disputed: { icon: "alert", tone: "red" },
};

export const REFUND_LOOK: Record<RefundView["status"], Look> = {
  requested: { icon: "clock", tone: "neutral" },
  pending: { icon: "clock", tone: "neutral" },
  succeeded: { icon: "check", tone: "accent" },
  failed: { icon: "alert", tone: "red" },
};

export const PAYMENT_STATUSES = Object.keys(PAYMENT_LOOK) as PaymentView["status"][];
export const PROVIDER_KINDS = ["stripe", "mercado-pago", "sandbox"] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];

/** A guest's payment is for what is charged at its place; any other one is for what is owed already. */
export const paysBalance = ({ account }: Pick<PaymentView, "account">) => !account.startsWith("guest:");

/** Nothing was kept yet: everything can go back. */
export const isCancellable = ({ status }: Pick<PaymentView, "status">) =>
  ["created", "pending", "authorized", "paid"].includes(status);

/** It has been put right, or somebody must look. */
export const findingLook = ({ repaired }: Pick<PaymentFindingView, "repaired">): Look =>
  repaired ? { icon: "check", tone: "quiet" } : { icon: "alert", tone: "amber" };

/** The secrets that each provider has; written only. */
export const SECRETS: Record<ProviderKind, readonly ("secretKey" | "accessToken" | "webhookSecret")[]> = {
  stripe: ["secretKey", "webhookSecret"],
  "mercado-pago": ["accessToken", "webhookSecret"],
  sandbox: [],
};
