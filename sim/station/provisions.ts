/**
 * What the CSMS leaves with a station for the time without it: a list of tokens, charging profiles, messages for
 * its display, and what to watch. It survives lost sockets and restarts. It does not know the protocol.
 */
import type { StationConfig } from "./config.ts";
import { Profiles } from "./profiles.ts";
import type { Clock, Json } from "./types.ts";

export type ListedToken = { idToken: string; status?: string; groupId?: string; expiresAt?: number };

/** No station has room for any number of them. */
const LEFT_MAX = 100;

export class Provisions {
  listVersion = 0;
  readonly #list = new Map<string, ListedToken>();
  readonly profiles: Profiles;
  /** As they came, by id. Nothing is shown anywhere, and nothing is watched. */
  readonly displayMessages = new Left();
  readonly monitors = new Left();
  readonly #config: StationConfig;
  readonly #clock: Clock;

  constructor(config: StationConfig, clock: Clock, evseCount: number) {
    this.#config = config;
    this.#clock = clock;
    this.profiles = new Profiles(clock, evseCount);
  }

  get listLength(): number {
    return this.#list.size;
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

  /** The group of a listed token, with whose members it shares reservations. */
  groupOf(idToken: string): string | undefined {
    return this.#list.get(idToken.toLowerCase())?.groupId;
  }
}

/** A bounded drawer of things with ids. */
class Left {
  readonly #items = new Map<number, Json>();
  #lastId = 0;

  get all(): [id: number, item: Json][] {
    return [...this.#items];
  }

  /** @returns its id: a new one when it brought none; undefined: there is no room. */
  put(item: Json, id?: number): number | undefined {
    if (this.#items.size >= LEFT_MAX && (id === undefined || !this.#items.has(id))) return undefined;
    const own = id ?? this.#lastId + 1;
    this.#lastId = Math.max(this.#lastId, own);
    this.#items.set(own, item);
    return own;
  }

  remove(id: number): boolean {
    return this.#items.delete(id);
  }
}
