/**
 * The power side of one EVSE: its meter, and the car that hangs on it.
 *
 * Invariants: the meter never runs backwards; between `charge` and `settle` everything follows from the time
 * (see `car.ts`), so it does not matter how often one looks. It knows no tokens, states or transactions.
 */
import { chargeAt, offeredPowerW, phasesInUse, type Car, type ChargePlan } from "./car.ts";
import type { Clock, EvseOptions, OutletSample, SampleContext } from "./types.ts";

/** Share of the site's power that arrives at the outlet of a DC station. */
const RECTIFIER_EFFICIENCY = 0.95;
const MAINS_V = 230;

export class Outlet {
  car: Car | undefined;
  #options: EvseOptions;
  #clock: Clock;
  #charge: { plan: ChargePlan; since: number } | undefined;
  #meterWh: number;

  constructor(options: EvseOptions, meterWh: number, clock: Clock) {
    this.#options = options;
    this.#meterWh = meterWh;
    this.#clock = clock;
  }

  /** Charges from now on under this limit, or says why not. */
  charge(limitW: number): "Charging" | "SuspendedEV" | "SuspendedEVSE" {
    this.settle();
    if (this.car === undefined || this.car.socPercent >= 100) return "SuspendedEV";
    const offeredW = Math.min(offeredPowerW(this.car, this.#options), limitW);
    if (offeredW <= 0) return "SuspendedEVSE";
    const plan: ChargePlan = { car: { ...this.car }, kind: this.#options.kind, limitW: offeredW };
    this.#charge = { plan, since: this.#clock.now() };
    return "Charging";
  }

  /** The power of a current per phase, with the car that is plugged in. */
  wattsAt(amps: number): number {
    return amps * MAINS_V * (this.#options.kind === "DC" ? 3 : this.#phases());
  }

  /** Stops charging: what was charged so far is written into the meter and the car. */
  settle(): void {
    const { meterWh, socPercent } = this.measure();
    this.#meterWh = meterWh;
    if (this.car !== undefined && socPercent !== undefined) this.car.socPercent = socPercent;
    this.#charge = undefined;
  }

  measure(): { meterWh: number; powerW: number; socPercent: number | undefined; full: boolean } {
    if (this.#charge === undefined) {
      return { meterWh: this.#meterWh, powerW: 0, socPercent: this.car?.socPercent, full: false };
    }
    const point = chargeAt(this.#charge.plan, this.#clock.now() - this.#charge.since);
    return { ...point, meterWh: this.#meterWh + point.energyWh };
  }

  /** What the station's meter shows, at the resolution that real ones have. */
  sample(context: SampleContext): OutletSample {
    const at = this.#clock.now();
    const { powerW, meterWh, socPercent } = this.measure();
    const { kind } = this.#options;
    const count = kind === "DC" ? 1 : this.#phases();
    const voltagesV = Array.from({ length: count }, (_, phase) =>
      kind === "DC" ? 350 + (socPercent ?? 0) * 0.9 : MAINS_V + 1.2 * Math.sin(at / 7_000 + 2 * phase),
    );
    return {
      at,
      context,
      kind,
      energyWh: Math.floor(meterWh),
      powerW: Math.round(powerW),
      voltagesV: voltagesV.map(oneDecimal),
      currentsA: voltagesV.map((volts) => oneDecimal(powerW / count / volts)),
      ...(kind === "DC" && socPercent !== undefined ? { socPercent: Math.floor(socPercent) } : {}),
    };
  }

  /** What the site feels: a DC station takes more than it gives, from all three phases. */
  draw(): { watts: number; currentsMa: number[] } {
    const { powerW } = this.measure();
    const { kind } = this.#options;
    const watts = kind === "DC" ? powerW / RECTIFIER_EFFICIENCY : powerW;
    const count = kind === "DC" ? 3 : this.#phases();
    const milliamps = Math.round((watts / count / MAINS_V) * 1_000);
    return { watts: Math.round(watts), currentsMa: Array.from({ length: count }, () => milliamps) };
  }

  #phases(): number {
    const { phases } = this.#options;
    return this.car === undefined ? phases : phasesInUse(this.car, phases);
  }
}

function oneDecimal(value: number): number {
  return Math.round(value * 10) / 10;
}
