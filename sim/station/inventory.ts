/**
 * A station's device model: its configuration, itself, its EVSEs and connectors, as variables of OCPP 2.x.
 *
 * Made anew whenever somebody asks; it holds nothing.
 */
import type { ConfigEntry, StationConfig } from "./config.ts";
import type { Evse } from "./evse.ts";
import { reportOf } from "./evse-report.ts";
import type { Provisions } from "./provisions.ts";
import { occupancyOf } from "./states.ts";
import type { Identity } from "./types.ts";
import type { Variable } from "./upkeep.ts";

/** Where the standard has several of a variable, which one ours is. */
const INSTANCES: Record<string, string> = {
  "OCPPCommCtrlr.MessageAttempts": "TransactionEvent",
  "OCPPCommCtrlr.MessageAttemptInterval": "TransactionEvent",
  "DeviceDataCtrlr.ItemsPerMessage": "GetVariables",
  "TariffCostCtrlr.Enabled": "Cost",
};

export type InventorySource = {
  config: StationConfig;
  provisions: Pick<Provisions, "listLength">;
  evses: Evse[];
  identity: Identity;
};

/** What a report is to be about; without anything: all of it. */
export type InventoryFilter = {
  base?: "ConfigurationInventory" | "FullInventory" | "SummaryInventory";
  /** Components of which this variable is true: Active, Available, Enabled, Problem. */
  criteria?: string[];
  named?: Named[];
};

/** A component, or one variable of it; of all EVSEs and connectors unless it says which. */
export type Named = {
  component: string;
  evseId?: number;
  connectorId?: number;
  variable?: string;
  instance?: string;
};

export function inventory(source: InventorySource): Variable[] {
  const { config, evses } = source;
  const station = fixed("ChargingStation", {});
  const listed = config.integer("LocalAuthListMaxLength");
  return [
    ...config.entries.flatMap(configVariable),
    {
      ...fixed("LocalAuthListCtrlr", {})("Entries", source.provisions.listLength),
      maxLimit: listed,
    },
    station("Available", true),
    station("Model", source.identity.model),
    station("VendorName", source.identity.vendor),
    station("SerialNumber", source.identity.serialNumber),
    station("FirmwareVersion", source.identity.firmwareVersion),
    ...evses.flatMap(ofEvse),
  ];
}

export function select(variables: Variable[], filter: InventoryFilter): Variable[] {
  const { base, criteria, named } = filter;
  const holding = new Set(
    variables.filter((v) => criteria?.includes(v.name) && v.value === "true").map(componentOf),
  );
  return variables.filter((v) => {
    if (base === "ConfigurationInventory" && v.access === "RO") return false;
    if (base === "SummaryInventory" && v.name !== "AvailabilityState") return false;
    if (criteria !== undefined && !holding.has(componentOf(v))) return false;
    return named === undefined || named.some((wanted) => names(wanted, v));
  });
}

const componentOf = (v: Variable): string => `${v.component} ${v.evseId ?? ""} ${v.connectorId ?? ""}`;

function names(wanted: Named, v: Variable): boolean {
  return (
    wanted.component === v.component &&
    (wanted.evseId ?? v.evseId) === v.evseId &&
    (wanted.connectorId ?? v.connectorId) === v.connectorId &&
    (wanted.variable ?? v.name) === v.name &&
    (wanted.instance ?? v.instance) === v.instance
  );
}

function configVariable({ variable, access, type, value }: ConfigEntry): Variable[] {
  const [component, name] = variable?.split(".") ?? [];
  if (component === undefined || name === undefined) return [];
  const instance = INSTANCES[variable ?? ""];
  return [{ component, name, ...(instance === undefined ? {} : { instance }), access, type, value }];
}

type Place = { evseId?: number; connectorId?: number };

const fixed =
  (component: string, place: Place) =>
  (name: string, value: string | number | boolean): Variable => ({
    component,
    ...place,
    name,
    access: "RO",
    type: typeof value === "string" ? "string" : typeof value === "number" ? "integer" : "boolean",
    value: String(value),
  });

function ofEvse(evse: Evse): Variable[] {
  const { id: evseId, options } = evse;
  const own = fixed("EVSE", { evseId });
  const { powerW, connectors } = reportOf(evse);
  const busy = connectors.find(({ state }) => state !== "Available");
  return [
    own("Available", true),
    own("AvailabilityState", occupancyOf(busy?.state ?? "Available")),
    own("SupplyPhases", options.phases),
    { ...own("Power", powerW), maxLimit: options.maxPowerW },
    ...connectors.flatMap(({ connectorId, state }) => {
      const at = fixed("Connector", { evseId, connectorId });
      const type = options.kind === "DC" ? "cCCS2" : "sType2";
      return [
        at("Available", true),
        at("AvailabilityState", occupancyOf(state)),
        at("ConnectorType", type),
        at("SupplyPhases", options.phases),
      ];
    }),
  ];
}
