/** What a person or a key is given: a role, sites, an end; as a form holds it and as the API takes it. Pure. */
import type { RoleName } from "./people.ts";

export type GrantDraft = {
  role: RoleName;
  /** null: all sites. */
  siteIds: string[] | null;
  /** A day of the browser's zone, its end included; "": without an end. */
  expiresOn: string;
};

export const newGrant = (role: RoleName): GrantDraft => ({ role, siteIds: null, expiresOn: "" });

/** The day on which something ends, in the browser's zone. */
export function dayOf(iso: string | null): string {
  if (iso === null) return "";
  const at = new Date(new Date(iso).getTime() - 1);
  const pad = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
}

/** The last moment before an end: "until the 31st, 23:59" is what people mean, not "until the 1st, 0:00". */
export const lastMoment = (iso: string): number => Date.parse(iso) - 1;

/** The end of a day: the first instant after it. */
export function endOfDay(day: string): string | null {
  if (day === "") return null;
  const at = new Date(`${day}T00:00:00`);
  at.setDate(at.getDate() + 1);
  return at.toISOString();
}

/** An owner is one for all sites and without an end. */
export function grantOf({ role, siteIds, expiresOn }: GrantDraft): {
  role: RoleName;
  siteIds: string[] | null;
  expiresAt: string | null;
} {
  if (role === "owner") return { role, siteIds: null, expiresAt: null };
  return { role, siteIds, expiresAt: endOfDay(expiresOn) };
}

/** A scope without any site lets nobody do anything: the API does not take it. */
export const isComplete = ({ role, siteIds }: GrantDraft): boolean =>
  role === "owner" || siteIds === null || siteIds.length > 0;
