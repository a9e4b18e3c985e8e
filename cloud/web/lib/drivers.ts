/** Drivers: how their states look, and the form of one. Text as typed; empty is not known. Pure. */
import type { Driver, DriverPatch, NewDriver } from "../../api/driver-schemas.ts";
import type { IconName, Tone } from "./state.ts";

export const DRIVER_LOOK: Record<Driver["status"], { icon: IconName; tone: Tone }> = {
  active: { icon: "check", tone: "neutral" },
  blocked: { icon: "block", tone: "amber" },
  erased: { icon: "x", tone: "quiet" },
};

/** What has to be said word for word before a driver is erased; the cloud compares it. */
export const ERASURE_WORDS = "erase this driver for good";

const FIELDS = ["name", "email", "phone", "taxId", "groupId", "notes"] as const;
export type DriverField = (typeof FIELDS)[number];
export type DriverDraft = Record<DriverField, string> & { language: "pt-BR" | "en" | "es" };

const LANGUAGES = ["pt-BR", "en", "es"] as const;

export const driverDraft = (driver: Driver | null): DriverDraft => ({
  ...(Object.fromEntries(FIELDS.map((field) => [field, driver?.[field] ?? ""])) as Record<
    DriverField,
    string
  >),
  language: LANGUAGES.find((language) => language === driver?.language) ?? "pt-BR",
});

/** A new driver: nothing is said of what was left empty. */
export function newDriver(draft: DriverDraft): NewDriver {
  const { name, language, ...rest } = draft;
  const said = Object.entries(rest)
    .map(([field, text]) => [field, text.trim()] as const)
    .filter(([, text]) => text !== "");
  return { name: name.trim(), language, ...Object.fromEntries(said) };
}

/** What a person changed; what was emptied is taken away. */
export function driverPatch(draft: DriverDraft, driver: Driver): DriverPatch {
  const before = driverDraft(driver);
  const changed = FIELDS.filter((field) => draft[field].trim() !== before[field]).map((field) => {
    const text = draft[field].trim();
    return [field, text === "" && field !== "name" ? null : text] as const;
  });
  return {
    ...Object.fromEntries(changed),
    ...(draft.language === before.language ? {} : { language: draft.language }),
  };
}
