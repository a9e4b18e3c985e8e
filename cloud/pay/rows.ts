/** Payments and refunds as their tables hold them. Types only. */
import type { Account } from "../core/ledger.ts";
import type {
  Dispute,
  PaymentFlow,
  PaymentState,
  PaymentStatus,
  Progress,
  RefundStatus,
} from "../core/payment.ts";
import type { Settlements } from "../core/settlement.ts";
import type { ProviderKind } from "./provider.ts";

export type PaymentRow = {
  payment_id: string;
  operator_id: string;
  /** Of the ledger: what it pays for. */
  account: Account;
  /** Who has asked for it, signed in, by what name, and in which language: of a balance only. */
  driver_id: string | null;
  request_id: string | null;
  language: string | null;
  /** null: a balance is paid, which was charged anywhere. */
  site_id: string | null;
  station_id: string | null;
  provider_id: string;
  kind: ProviderKind;
  flow: PaymentFlow;
  amount_minor: number;
  currency: string;
  description: string;
  status: PaymentStatus;
  progress: Progress;
  authorized_minor: number;
  captured_minor: number;
  refunded_minor: number;
  dispute: Dispute;
  disputed_minor: number;
  dispute_told_at: Date | null;
  decline_code: string | null;
  checkout_id: string | null;
  provider_payment_id: string | null;
  checkout_url: string | null;
  pix_code: string | null;
  expires_at: Date;
  keep_minor: number | null;
  keep_reason: string | null;
  capture_asked_minor: number | null;
  refusals: number;
  goodwill_minor: number;
  due_at: Date | null;
  attempts: number;
  last_error: string | null;
  checked_at: Date | null;
  check_at: Date | null;
  heard_at: Date | null;
  flags: string[];
  settlements: Settlements;
  fee_minor: number | null;
  fees_by_hand: boolean;
  created_at: Date;
  updated_at: Date;
  paid_at: Date | null;
};

export type RefundRow = {
  refund_id: string;
  operator_id: string;
  site_id: string | null;
  payment_id: string;
  amount_minor: number;
  currency: string;
  status: RefundStatus;
  reason: string;
  requested_by: string;
  provider_refund_id: string | null;
  sent_at: Date | null;
  failure: string | null;
  created_at: Date;
  updated_at: Date;
};

export type Payment = { row: PaymentRow; refunds: RefundRow[]; state: PaymentState; unsentMinor: number };
