/**
 * The rules of a site between the API's whole Wh, seconds and amperes and what a person types: kWh, minutes,
 * hours. Pure.
 */
import type { SitePatch, SiteRules } from "../../api/rule-schemas.ts";

/** What stands in the form: text, as typed. */
export type RulesDraft = {
  unknownToken: SiteRules["unknownToken"];
  capKwh: string;
  capHours: string;
  capStarts: string;
  capSiteKwh: string;
  revocation: SiteRules["revocation"]["rule"];
  revocationKwh: string;
  limitA: string;
  staleMinutes: string;
  oldHours: string;
};

/** At most three decimals, without trailing zeros: what `<input type="number">` takes. */
const text = (value: number) => String(Math.round(value * 1_000) / 1_000);
const whole = (typed: string, factor: number) => Math.round(Number(typed) * factor);

export function draftOf(rules: SiteRules): RulesDraft {
  return {
    unknownToken: rules.unknownToken,
    capKwh: text(rules.unknownCap.energyWh / 1_000),
    capHours: text(rules.unknownCap.durationS / 3_600),
    capStarts: text(rules.unknownCap.startsPerDay),
    capSiteKwh: text(rules.unknownCap.siteEnergyWhPerDay / 1_000),
    revocation: rules.revocation.rule,
    revocationKwh: text(rules.revocation.energyWh / 1_000),
    limitA: rules.defaultLimitA === null ? "" : text(rules.defaultLimitA),
    staleMinutes: text(rules.staleAfterS / 60),
    oldHours: text(rules.oldAfterS / 3_600),
  };
}

/** Only the fields that the person changed: another person may be changing others. */
export function patchOf(draft: RulesDraft, rules: SiteRules): SitePatch {
  const before = draftOf(rules);
  const changed = (...names: (keyof RulesDraft)[]) => names.some((name) => draft[name] !== before[name]);
  return {
    ...(changed("unknownToken") ? { unknownToken: draft.unknownToken } : {}),
    ...(changed("capKwh", "capHours", "capStarts", "capSiteKwh")
      ? {
          unknownCap: {
            energyWh: whole(draft.capKwh, 1_000),
            durationS: whole(draft.capHours, 3_600),
            startsPerDay: whole(draft.capStarts, 1),
            siteEnergyWhPerDay: whole(draft.capSiteKwh, 1_000),
          },
        }
      : {}),
    ...(changed("revocation", "revocationKwh")
      ? { revocation: { rule: draft.revocation, energyWh: whole(draft.revocationKwh, 1_000) } }
      : {}),
    ...(changed("limitA") ? { defaultLimitA: draft.limitA === "" ? null : whole(draft.limitA, 1) } : {}),
    ...(changed("staleMinutes") ? { staleAfterS: whole(draft.staleMinutes, 60) } : {}),
    ...(changed("oldHours") ? { oldAfterS: whole(draft.oldHours, 3_600) } : {}),
  };
}
