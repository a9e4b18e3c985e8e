/** The nouns of the API that have a name: every schema with an `$id`, of all the modules that hold some. */
import type { TSchema } from "typebox";
import * as controlSchemas from "./control-schemas.ts";
import * as driverSchemas from "./driver-schemas.ts";
import * as erSchemas from "./er-schemas.ts";
import * as fileSchemas from "./file-schemas.ts";
import * as guestSchemas from "./guest-schemas.ts";
import * as moneySchemas from "./money-schemas.ts";
import * as notifySchemas from "./notify-schemas.ts";
import * as ownSchemas from "./own-schemas.ts";
import * as paymentSchemas from "./payment-schemas.ts";
import * as reviewSchemas from "./review-schemas.ts";
import * as ruleSchemas from "./rule-schemas.ts";
import * as schemas from "./schemas.ts";
import * as stationSchemas from "./station-schemas.ts";
import * as tariffSchemas from "./tariff-schemas.ts";
import * as templateSchemas from "./template-schemas.ts";
import * as userSchemas from "./user-schemas.ts";

/** By name, so that the document is the same whoever loads the module. */
export const sharedSchemas = (): TSchema[] =>
  (
    Object.values({
      ...schemas,
      ...controlSchemas,
      ...driverSchemas,
      ...erSchemas,
      ...fileSchemas,
      ...guestSchemas,
      ...ownSchemas,
      ...paymentSchemas,
      ...moneySchemas,
      ...notifySchemas,
      ...reviewSchemas,
      ...ruleSchemas,
      ...stationSchemas,
      ...tariffSchemas,
      ...templateSchemas,
      ...userSchemas,
    }) as (TSchema & {
      $id?: string;
    })[]
  )
    .filter((schema) => typeof schema.$id === "string")
    .sort((a, b) => (String(a.$id) < String(b.$id) ? -1 : 1));
