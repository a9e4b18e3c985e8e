/**
 * One reading of electrical values, whoever made it: an energy meter or a charging station.
 *
 * All values are integers with the unit in the name. A value that was not measured is absent, never zero.
 * Phase arrays are [L1, L2, L3]; a single-phase meter gives an array of one.
 */
import { Type, type Static } from "typebox";

const Phases = Type.Array(Type.Integer(), { minItems: 1, maxItems: 3 });

export const Reading = Type.Object({
  energyImportWh: Type.Optional(Type.Integer()),
  energyExportWh: Type.Optional(Type.Integer()),
  /** Active power, import positive, export negative. */
  powerW: Type.Optional(Type.Integer()),
  powerPhasesW: Type.Optional(Phases),
  currentPhasesMa: Type.Optional(Phases),
  voltagePhasesMv: Type.Optional(Phases),
  frequencyMhz: Type.Optional(Type.Integer({ description: "millihertz" })),
  socPercent: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
});
export type Reading = Static<typeof Reading>;
