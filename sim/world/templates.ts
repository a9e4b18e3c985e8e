/**
 * What the world's operator wants of all stations, besides what the ER wants by itself: something that can be set,
 * something that takes a restart, something read-only, and something that no station has.
 */
import type { Template } from "../../shared/template.ts";

export const WORLD_TEMPLATE: Template = {
  templateId: "00000000-0000-7000-8000-000000000001",
  name: "world",
  priority: 0,
  variables: [
    { variable: "ConnectionTimeOut", value: "61" },
    { component: "OCPPCommCtrlr", variable: "WebSocketPingInterval", value: "30" },
    { component: "TxCtrlr", variable: "TxStartPoint", key16: "NumberOfConnectors", value: "9" },
    { component: "Display", variable: "Brightness", key16: "LightIntensity", value: "50" },
  ],
};
