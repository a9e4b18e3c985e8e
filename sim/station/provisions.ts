/**
 * What the CSMS leaves with a station for the time without it: a list of tokens, and charging profiles.
 *
 * It survives lost sockets and restarts. Of a profile the first period counts, for as long as it is installed:
 * this station follows no timetable. It does not know the protocol.
 */
import type { Clock, Json, StationConfig } from "./types.ts";

export type ListedToken = { idToken: string; status?: string; expiresAt?: number };

export type Profile = {
  id: number;
  /** 0: every EVSE. */
  evseId: number;
  purpose: string;
  stackLevel: number;
  /** The wire id, for a profile of one transaction. */
  transactionId?: string;
  unit: string;
  limit: number;
};

export type ProfileFilter = { id?: number; evseId?: number; purpose?: string; stackLevel?: number };

/** The fields of a schedule that count here. */
export function readSchedule(schedule: Json | undefined): { unit: string; limit: number } {
  const [period] = (schedule?.["chargingSchedulePeriod"] ?? []) as Json[];
  return { unit: String(schedule?.["chargingRateUnit"]), limit: Number(period?.["limit"]) };
}

export class Provisions {
  listVersion = 0;
  readonly #list = new Map<string, ListedToken>();
  #profiles: Profile[] = [];
  readonly #config: StationConfig;
  readonly #clock: Clock;

  constructor(config: StationConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /** Takes an update whole, or not at all. */
  sendList(
    update: "Full" | "Differential",
    version: number,
    tokens: ListedToken[],
  ): "Accepted" | "Failed" | "VersionMismatch" {
    if (update === "Differential" && version <= this.listVersion) return "VersionMismatch";
    if (tokens.length > this.#config.integer("SendLocalListMaxLength")) return "Failed";
    const after = new Map(update === "Full" ? [] : this.#list);
    for (const token of tokens) {
      const key = token.idToken.toLowerCase();
      if (token.status === undefined) after.delete(key);
      else after.set(key, token);
    }
    if (after.size > this.#config.integer("LocalAuthListMaxLength")) return "Failed";
    this.#list.clear();
    for (const [key, token] of after) this.#list.set(key, token);
    this.listVersion = version;
    return "Accepted";
  }

  /** Whether a token may start while nobody can be asked. */
  mayStartAlone(idToken: string): boolean {
    const listed = this.#list.get(idToken.toLowerCase());
    const looks = this.#config.flag("LocalAuthorizeOffline") && this.#config.flag("LocalAuthListEnabled");
    if (listed === undefined || !looks) return this.#config.flag("AllowOfflineTxForUnknownId");
    return listed.status === "Accepted" && (listed.expiresAt ?? Infinity) >= this.#clock.now();
  }

  setProfile(profile: Profile): "Accepted" | "Rejected" {
    const known = profile.purpose === "TxDefaultProfile" || profile.transactionId !== undefined;
    if (!known || !(profile.limit >= 0)) return "Rejected";
    const same = (p: Profile) =>
      p.id === profile.id ||
      (p.purpose === profile.purpose && p.stackLevel === profile.stackLevel && p.evseId === profile.evseId);
    this.#profiles = [...this.#profiles.filter((p) => !same(p)), profile];
    return "Accepted";
  }

  clearProfiles({ id, evseId, purpose, stackLevel }: ProfileFilter): "Accepted" | "Unknown" {
    const left = this.#profiles.filter((p) =>
      id !== undefined
        ? p.id !== id
        : (evseId ?? p.evseId) !== p.evseId ||
          (purpose ?? p.purpose) !== p.purpose ||
          (stackLevel ?? p.stackLevel) !== p.stackLevel,
    );
    const found = left.length < this.#profiles.length;
    this.#profiles = left;
    return found ? "Accepted" : "Unknown";
  }

  /** The limit of a transaction: its own profile's, else that of the default one; the highest level counts. */
  limitOf(evseId: number, transactionId: string | undefined): { unit: string; limit: number } | undefined {
    const here = this.#profiles.filter((p) => p.evseId === 0 || p.evseId === evseId);
    const own = here.filter((p) => p.transactionId !== undefined && p.transactionId === transactionId);
    const defaults = here.filter((p) => p.purpose === "TxDefaultProfile");
    const [first] = (own.length > 0 ? own : defaults).toSorted(
      (a, b) => b.stackLevel - a.stackLevel || b.evseId - a.evseId,
    );
    return first;
  }
}
