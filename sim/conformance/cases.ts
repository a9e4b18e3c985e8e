/** All cases that are played or said to be not applicable; the order of the report is that of `case-ids.ts`. */
import { CONTROL_16 } from "./cases-16-control.ts";
import { FIRMWARE_16, LOCAL_LIST_16 } from "./cases-16-lists.ts";
import { OFFLINE_16 } from "./cases-16-offline.ts";
import { RESERVATION_16, TRIGGER_16 } from "./cases-16-reservation.ts";
import { SECURITY_16 } from "./cases-16-security.ts";
import { SESSIONS_16 } from "./cases-16-sessions.ts";
import { SMART_CHARGING_16 } from "./cases-16-smart.ts";
import { AUTHORIZATION_201, LOCAL_LIST_201 } from "./cases-201-authorization.ts";
import { CUSTOMERS_201, LOGS_201, MONITORING_201 } from "./cases-201-diagnostics.ts";
import { DISPLAY_201 } from "./cases-201-display.ts";
import { CERTIFICATES_201, FIRMWARE_201 } from "./cases-201-firmware.ts";
import { DATA_201, METER_VALUES_201 } from "./cases-201-meter.ts";
import { PROVISIONING_201 } from "./cases-201-provisioning.ts";
import { AVAILABILITY_201, REMOTE_CONTROL_201 } from "./cases-201-remote.ts";
import { COST_201, RESERVATION_201 } from "./cases-201-reservation.ts";
import { SECURITY_201 } from "./cases-201-security.ts";
import { SMART_CHARGING_201 } from "./cases-201-smart.ts";
import { TRANSACTIONS_201 } from "./cases-201-transactions.ts";
import type { Case } from "./suite.ts";

export const CASES: readonly Case[] = [
  ...SESSIONS_16,
  ...OFFLINE_16,
  ...CONTROL_16,
  ...LOCAL_LIST_16,
  ...FIRMWARE_16,
  ...RESERVATION_16,
  ...TRIGGER_16,
  ...SMART_CHARGING_16,
  ...SECURITY_16,
  ...SECURITY_201,
  ...PROVISIONING_201,
  ...AUTHORIZATION_201,
  ...LOCAL_LIST_201,
  ...TRANSACTIONS_201,
  ...REMOTE_CONTROL_201,
  ...AVAILABILITY_201,
  ...RESERVATION_201,
  ...COST_201,
  ...METER_VALUES_201,
  ...SMART_CHARGING_201,
  ...FIRMWARE_201,
  ...CERTIFICATES_201,
  ...MONITORING_201,
  ...LOGS_201,
  ...CUSTOMERS_201,
  ...DISPLAY_201,
  ...DATA_201,
];
