/**
 * Reservations: who may start where until when.
 *
 * One of an EVSE holds that EVSE. One of none holds nothing as long as enough EVSEs are free for all of that
 * kind; after that it holds the free ones that are left. A reservation ends once: used, cancelled, replaced,
 * expired, or because its EVSE went out of service. They survive lost sockets and restarts.
 */
import type { Clock } from "./types.ts";

export type Reservation = {
  id: number;
  /** Absent: any EVSE. */
  evseId?: number;
  idToken: string;
  groupId?: string;
  expiresAt: number;
};

/** Why an EVSE cannot be reserved now. */
export type Obstacle = "Occupied" | "Faulted" | "Unavailable";

export type ReservationsHost = {
  clock: Clock;
  /** By EVSE id: what stands in the way of a reservation; undefined: it is free. */
  obstacles: () => Map<number, Obstacle | undefined>;
  /** It has ended without being used or cancelled. */
  ended: (reservationId: number, status: "Expired" | "Removed") => void;
  /** States that derive from reservations have changed. */
  changed: () => void;
};

type Held = Reservation & { cancelTimer: () => void };

/** Timers of the platform take no more than some 24 days. */
const TIMER_MS_MAX = 86_400_000;

export class Reservations {
  readonly #host: ReservationsHost;
  readonly #held = new Map<number, Held>();

  constructor(host: ReservationsHost) {
    this.#host = host;
  }

  reserve(wanted: Reservation): Obstacle | "Accepted" | "Rejected" {
    const { id, evseId, expiresAt } = wanted;
    const obstacles = this.#host.obstacles();
    if (expiresAt <= this.#host.clock.now()) return "Rejected";
    if (evseId !== undefined && !obstacles.has(evseId)) return "Rejected";
    const others = [...this.#held.values()].filter((each) => each.id !== id);
    const taken = new Set(others.map((each) => each.evseId));
    const free = [...obstacles].filter(([each, obstacle]) => obstacle === undefined && !taken.has(each));
    const stranger = evseId === undefined ? undefined : obstacles.get(evseId);
    if (stranger !== undefined) return stranger;
    if (evseId !== undefined && taken.has(evseId)) return "Occupied";
    const anywhere = others.filter((each) => each.evseId === undefined).length;
    if (free.length <= anywhere) return whyNone([...obstacles.values()]);
    this.#drop(id);
    const held: Held = { ...wanted, cancelTimer: () => {} };
    this.#held.set(id, held);
    this.#expireLater(held);
    this.#host.changed();
    return "Accepted";
  }

  cancel(id: number): "Accepted" | "Rejected" {
    if (!this.#held.has(id)) return "Rejected";
    this.#drop(id);
    this.#host.changed();
    return "Accepted";
  }

  /** For whom an EVSE is kept; nobody: it is open to all. */
  holders(evseId: number): Reservation[] {
    const all = [...this.#held.values()];
    const own = all.filter((each) => each.evseId === evseId);
    if (own.length > 0) return own;
    const anywhere = all.filter((each) => each.evseId === undefined);
    if (anywhere.length === 0) return [];
    const elsewhere = [...this.#host.obstacles()].filter(
      ([id, obstacle]) => id !== evseId && obstacle === undefined && all.every((each) => each.evseId !== id),
    );
    return elsewhere.length < anywhere.length ? anywhere : [];
  }

  admits(evseId: number, idToken: string, groupId?: string): boolean {
    const holders = this.holders(evseId);
    return holders.length === 0 || holders.some((each) => fits(each, idToken, groupId));
  }

  /** A transaction begins: the reservation that it uses, if any, has done its duty. */
  take(evseId: number, idToken: string, groupId?: string): number | undefined {
    const mine = [...this.#held.values()].filter((each) => fits(each, idToken, groupId));
    const used =
      mine.find((each) => each.evseId === evseId) ?? mine.find((each) => each.evseId === undefined);
    if (used !== undefined) this.#drop(used.id);
    return used?.id;
  }

  /** Something has happened to an EVSE: one that is out of service cannot be kept for anybody. */
  review(): void {
    const obstacles = this.#host.obstacles();
    for (const { id, evseId } of this.#held.values()) {
      const obstacle = evseId === undefined ? undefined : obstacles.get(evseId);
      if (obstacle !== "Faulted" && obstacle !== "Unavailable") continue;
      this.#drop(id);
      this.#host.ended(id, "Removed");
    }
  }

  #drop(id: number): void {
    this.#held.get(id)?.cancelTimer();
    this.#held.delete(id);
  }

  #expireLater(held: Held): void {
    const { clock, ended, changed } = this.#host;
    const left = held.expiresAt - clock.now();
    held.cancelTimer = clock.setTimer(Math.min(left, TIMER_MS_MAX), () => {
      if (clock.now() < held.expiresAt) return this.#expireLater(held);
      this.#drop(held.id);
      ended(held.id, "Expired");
      changed();
    });
  }
}

function whyNone(obstacles: (Obstacle | undefined)[]): Obstacle {
  if (obstacles.every((each) => each === "Faulted")) return "Faulted";
  return obstacles.every((each) => each === "Faulted" || each === "Unavailable") ? "Unavailable" : "Occupied";
}

function fits(reservation: Reservation, idToken: string, groupId: string | undefined): boolean {
  const own = reservation.idToken.toLowerCase() === idToken.toLowerCase();
  return own || (groupId !== undefined && reservation.groupId?.toLowerCase() === groupId.toLowerCase());
}
