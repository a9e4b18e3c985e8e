/** Stations become as the operator's templates say: what is read, written, left alone, and never repeated. */
import { describe, expect, test } from "vitest";
import type { Protocol } from "../../shared/entry.ts";
import { TEMPLATE_WANTED_MAX } from "../../shared/limits.ts";
import { checkPayload } from "../../shared/ocpp/schemas.ts";
import type { Template, TemplateVariable } from "../../shared/template.ts";
import { decodeSnapshot, encodeSnapshot } from "./fold.ts";
import { Bench, policyOf, recovered, signed, uuid } from "./harness.ts";

type Fields = Record<string, unknown>;
const HOUR_MS = 3_600_000;

type Row = {
  value: string;
  /** What the station does when it is written. */
  on?: "Rejected" | "RebootRequired" | "ignored" | "ReadOnly";
  readOnly?: boolean;
  writeOnly?: boolean;
  afterBoot?: string;
};

/** A station of either version with these values by the names of its version; `Component.Variable` in 2.x. */
function station(protocol: Protocol, rows: Record<string, Row>, itemsMax = 50) {
  const config = new Map(Object.entries(rows));
  const log: string[] = [];
  const write = (name: string, value: string): string => {
    log.push(`write ${name}=${value}`);
    const row = config.get(name);
    if (row === undefined) return protocol === "ocpp1.6" ? "NotSupported" : "UnknownVariable";
    if (row.on === "Rejected" || row.on === "ReadOnly" || row.readOnly === true) return "Rejected";
    if (row.on === "RebootRequired") row.afterBoot = value;
    else if (row.on !== "ignored") row.value = value;
    return row.on === "RebootRequired" ? "RebootRequired" : "Accepted";
  };
  const nameOf = (item: Fields) =>
    `${(item["component"] as Fields)["name"] as string}.${(item["variable"] as Fields)["name"] as string}`;
  const answers: Record<string, (payload: Fields) => Fields | undefined> = {
    GetConfiguration({ key }) {
      const keys = key as string[];
      log.push(`read ${keys.join()}`);
      if (keys.length > itemsMax) return undefined;
      const known = keys.filter((k) => config.has(k));
      return {
        configurationKey: known.map((k) => {
          const { value, readOnly = false, writeOnly } = config.get(k) as Row;
          return { key: k, readonly: readOnly, ...(writeOnly === true ? {} : { value }) };
        }),
        unknownKey: keys.filter((k) => !config.has(k)),
      };
    },
    ChangeConfiguration: ({ key, value }) => ({ status: write(key as string, value as string) }),
    GetVariables({ getVariableData }) {
      const items = getVariableData as Fields[];
      log.push(`read ${items.map(nameOf).join()}`);
      if (items.length > itemsMax) return undefined;
      return {
        getVariableResult: items.map((item) => {
          const row = config.get(nameOf(item));
          const { component, variable } = item;
          if (row === undefined) return { component, variable, attributeStatus: "UnknownVariable" };
          if (row.writeOnly === true) return { component, variable, attributeStatus: "Rejected" };
          return { component, variable, attributeStatus: "Accepted", attributeValue: row.value };
        }),
      };
    },
    SetVariables({ setVariableData }) {
      return {
        setVariableResult: (setVariableData as Fields[]).map((item) => {
          const { component, variable } = item;
          const attributeStatus = write(nameOf(item), item["attributeValue"] as string);
          const readOnly = config.get(nameOf(item))?.on === "ReadOnly";
          const why = readOnly ? { attributeStatusInfo: { reasonCode: "ReadOnly" } } : {};
          return { component, variable, attributeStatus, ...why };
        }),
      };
    },
  };
  return {
    config,
    log,
    valueOf: (name: string) => config.get(name)?.value,
    boot() {
      for (const row of config.values()) if (row.afterBoot !== undefined) row.value = row.afterBoot;
    },
    answer: (action: string, payload: Fields) => answers[action]?.(payload),
  };
}

const template = (variables: TemplateVariable[], more: Partial<Template> = {}): Template => ({
  templateId: uuid(1),
  name: "all",
  priority: 0,
  variables,
  ...more,
});
const wants = (values: Record<string, string>, more: Partial<Template> = {}): Template =>
  template(
    Object.entries(values).map(([variable, value]) => ({ variable, value })),
    more,
  );

function site(
  protocol: Protocol,
  at: ReturnType<typeof station>,
  templates: Template[],
  options: { provision?: boolean; firmware?: string; answersAlone?: boolean } = {},
) {
  const { provision = true, firmware = "1.0", answersAlone = true } = options;
  const identity = { authorization: "local", provision } as const;
  const bench = new Bench({ policy: policyOf([], 1, { templates }), identity });
  let cp = 0;
  const make =
    protocol === "ocpp1.6"
      ? { chargePointVendor: "Acme", chargePointModel: "Wall 22", firmwareVersion: firmware }
      : {
          reason: "PowerUp",
          chargingStation: { vendorName: "Acme", model: "Wall 22", firmwareVersion: firmware },
        };
  /** It starts again, on a new connection. */
  const boot = () => {
    at.boot();
    cp = bench.connect("CP-1", protocol);
    bench.result(cp, "BootNotification", make);
  };
  boot();
  const second = (ms = 1_000) => {
    const before = bench.effects.length;
    bench.pass(ms);
    const calls = bench.sent(cp, before).filter(([type]) => type === 2);
    for (const [, messageId, action, payload] of calls) {
      expect(checkPayload(protocol, action as string, "Request", payload)).toBeUndefined();
      const mine = bench.state.live.connections.get(cp)?.outstanding?.cause === "template";
      if (!mine && !answersAlone) continue;
      const answer = mine ? at.answer(action as string, payload as Fields) : undefined;
      const frame = answer === undefined ? [4, messageId, "NotSupported", "", {}] : [3, messageId, answer];
      bench.frame(cp, JSON.stringify(frame));
    }
    return calls.length;
  };
  const run = (seconds = 60): string[] => {
    const from = at.log.length;
    for (let n = 0; n < seconds; n++) expect(second()).toBeLessThanOrEqual(1);
    return at.log.slice(from);
  };
  const reconnect = () => {
    cp = bench.connect("CP-1", protocol);
    bench.result(cp, "Heartbeat", {});
  };
  const change = (next: Template[]) => {
    const { policyVersion } = bench.state.durable;
    const policy = policyOf([], policyVersion + 1, { templates: next });
    bench.input({ kind: "link.policy", signed: signed(policy) });
  };
  return { bench, boot, second, run, reconnect, change, cp: () => cp };
}

const INTERVALS = { HeartbeatInterval: "300", MeterValueSampleInterval: "60" };
const OLD = { HeartbeatInterval: { value: "900" }, MeterValueSampleInterval: { value: "60" } };
const NEW = {
  "OCPPCommCtrlr.HeartbeatInterval": { value: "900" },
  "SampledDataCtrlr.TxUpdatedInterval": { value: "60" },
};

describe("a value that is written once for all versions", () => {
  test("is read, set where it differs, and read back on OCPP 1.6", () => {
    const at = station("ocpp1.6", structuredClone(OLD));
    const { run, bench } = site("ocpp1.6", at, [wants(INTERVALS)]);
    expect(run()).toEqual([
      "read HeartbeatInterval,MeterValueSampleInterval",
      "write HeartbeatInterval=300",
      "read HeartbeatInterval",
    ]);
    expect(at.valueOf("HeartbeatInterval")).toBe("300");
    expect(run()).toEqual([]);
    expect(bench.all("ocpp.called").some(({ cause }) => cause === "template")).toBe(true);
  });

  test.each(["ocpp2.0.1", "ocpp2.1"] as const)("and by its other name on %s", (protocol) => {
    const at = station(protocol, structuredClone(NEW));
    const { run } = site(protocol, at, [wants(INTERVALS)]);
    expect(run()).toEqual([
      "read OCPPCommCtrlr.HeartbeatInterval,SampledDataCtrlr.TxUpdatedInterval",
      "write OCPPCommCtrlr.HeartbeatInterval=300",
      "read OCPPCommCtrlr.HeartbeatInterval",
    ]);
    expect(at.valueOf("OCPPCommCtrlr.HeartbeatInterval")).toBe("300");
    expect(run()).toEqual([]);
  });

  test("a variable of 2.x goes to its key in 1.6, or to the one that is named; others are for 2.x alone", () => {
    const at = station("ocpp1.6", { HeartbeatInterval: { value: "1" }, AcmeLight: { value: "1" } });
    const variables = [
      { component: "OCPPCommCtrlr", variable: "HeartbeatInterval", value: "30" },
      { component: "Display", variable: "Brightness", key16: "AcmeLight", value: "70" },
      { component: "ClockCtrlr", variable: "TimeZone", value: "UTC" },
    ];
    site("ocpp1.6", at, [template(variables)]).run();
    expect([at.valueOf("HeartbeatInterval"), at.valueOf("AcmeLight")]).toEqual(["30", "70"]);
    expect(at.log.join()).not.toContain("TimeZone");
  });
});

describe("which template", () => {
  const at = () => station("ocpp1.6", structuredClone(OLD));
  const heartbeatOf = (templates: Template[], firmware = "1.0") => {
    const cp = at();
    site("ocpp1.6", cp, templates, { firmware }).run();
    return cp.valueOf("HeartbeatInterval");
  };
  const one = (value: string, more: Partial<Template>) => wants({ HeartbeatInterval: value }, more);

  test("fits by vendor, model and firmware, in whatever case, with `*` for any text", () => {
    expect(heartbeatOf([one("1", { vendor: "acme", model: "WALL*", firmware: "1.*" })])).toBe("1");
    expect(heartbeatOf([one("1", { vendor: "Acm" })])).toBe("900");
    expect(heartbeatOf([one("1", { firmware: "2*" })])).toBe("900");
    expect(heartbeatOf([one("1", { firmware: "2*" })], "2.7")).toBe("1");
  });

  test("wins by priority, then by how much of the make it names", () => {
    const general = one("10", { templateId: uuid(1) });
    const exact = one("20", { templateId: uuid(2), vendor: "Acme", model: "Wall 22" });
    const strong = one("30", { templateId: uuid(3), priority: 5 });
    expect(heartbeatOf([general, exact])).toBe("20");
    expect(heartbeatOf([strong, general, exact])).toBe("30");
  });

  test("what the ER keeps by itself, and what lets a station connect, is not touched by any", () => {
    const cp = station("ocpp1.6", {
      LocalPreAuthorize: { value: "false" },
      AuthorizationKey: { value: "", writeOnly: true },
    });
    site("ocpp1.6", cp, [wants({ localpreauthorize: "true", AuthorizationKey: "s3cret" })]).run();
    expect(cp.log).toEqual([]);
  });

  test("has no say at a site where the installer has switched it off", () => {
    const cp = at();
    site("ocpp1.6", cp, [wants(INTERVALS)], { provision: false }).run();
    expect(cp.log).toEqual([]);
  });
});

describe("what cannot be", () => {
  test("a read-only value is not written; where only the refusal tells, no second time", () => {
    const old = station("ocpp1.6", { NumberOfConnectors: { value: "1", readOnly: true } });
    const first = site("ocpp1.6", old, [wants({ NumberOfConnectors: "2" })]);
    expect(first.run()).toEqual(["read NumberOfConnectors"]);
    const now = station("ocpp2.0.1", { "TxCtrlr.TxStartPoint": { value: "Authorized", on: "ReadOnly" } });
    const variables = [{ component: "TxCtrlr", variable: "TxStartPoint", value: "EVConnected" }];
    const second = site("ocpp2.0.1", now, [template(variables)]);
    expect(second.run()).toHaveLength(2);
    second.second(2 * 24 * HOUR_MS);
    second.run();
    expect(now.log.filter((line) => line.startsWith("write"))).toHaveLength(1);
  });

  test("a key that the station does not have is asked for once a day, and never written", () => {
    const at = station("ocpp1.6", {});
    const { run, second } = site("ocpp1.6", at, [wants({ Nonsense: "1" })]);
    expect(run()).toEqual(["read Nonsense"]);
    second(25 * HOUR_MS);
    run();
    expect(at.log).toEqual(["read Nonsense", "read Nonsense"]);
  });

  test("a refusal is remembered: again after a day, or after a boot that comes later than an hour", () => {
    const at = station("ocpp1.6", { HeartbeatInterval: { value: "900", on: "Rejected" } });
    const { run, boot, second } = site("ocpp1.6", at, [wants({ HeartbeatInterval: "300" })]);
    const writes = (lines: string[]) => lines.filter((line) => line.startsWith("write")).length;
    expect(writes(run())).toBe(1);
    boot();
    expect(writes(run())).toBe(0);
    second(2 * HOUR_MS);
    expect(writes(run())).toBe(0);
    boot();
    expect(writes(run())).toBe(1);
    second(25 * HOUR_MS);
    expect(writes(run())).toBe(1);
  });

  test("a value that is taken and not kept counts as refused", () => {
    const at = station("ocpp2.0.1", { "OCPPCommCtrlr.HeartbeatInterval": { value: "900", on: "ignored" } });
    const { run } = site("ocpp2.0.1", at, [wants({ HeartbeatInterval: "300" })]);
    expect(run(200)).toEqual([
      "read OCPPCommCtrlr.HeartbeatInterval",
      "write OCPPCommCtrlr.HeartbeatInterval=300",
      "read OCPPCommCtrlr.HeartbeatInterval",
    ]);
  });

  test.each(["ocpp1.6", "ocpp2.0.1"] as const)("%s: what takes a reboot waits for one", (protocol) => {
    const name = protocol === "ocpp1.6" ? "WebSocketPingInterval" : "OCPPCommCtrlr.WebSocketPingInterval";
    const at = station(protocol, { [name]: { value: "0", on: "RebootRequired" } });
    const { run, second, boot } = site(protocol, at, [wants({ WebSocketPingInterval: "30" })]);
    expect(run()).toEqual([`read ${name}`, `write ${name}=30`]);
    second(25 * HOUR_MS);
    run();
    expect(at.log.filter((line) => line.startsWith("write"))).toHaveLength(1);
    boot();
    expect(run()).toEqual([`read ${name}`]);
    expect(at.valueOf(name)).toBe("30");
  });

  test("what can only be written is written once", () => {
    const at = station("ocpp1.6", { AcmePin: { value: "", writeOnly: true } });
    const { run, boot, change } = site("ocpp1.6", at, [wants({ AcmePin: "1234" })]);
    expect(run()).toEqual(["read AcmePin", "write AcmePin=1234", "read AcmePin"]);
    boot();
    expect(run()).toEqual(["read AcmePin"]);
    change([wants({ AcmePin: "9999" })]);
    expect(run()).toContain("write AcmePin=9999");
  });
});

describe("in the course of time", () => {
  test("values that mean the same are not written", () => {
    const at = station("ocpp1.6", {
      StopTransactionOnEVSideDisconnect: { value: "1" },
      MeterValuesSampledData: { value: "SoC, Energy.Active.Import.Register" },
      ConnectionTimeOut: { value: " 060" },
    });
    const values = {
      StopTransactionOnEVSideDisconnect: "true",
      MeterValuesSampledData: "Energy.Active.Import.Register,SoC",
      ConnectionTimeOut: "60",
    };
    expect(site("ocpp1.6", at, [wants(values)]).run()).toHaveLength(1);
  });

  test("a station that tells few at once is asked for few", () => {
    const rows = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`K${n}`, { value: "1" }]));
    const at = station("ocpp1.6", rows, 2);
    const values = Object.fromEntries(Object.keys(rows).map((k) => [k, "1"]));
    site("ocpp1.6", at, [wants(values)]).run();
    expect(at.log.map((line) => line.split(",").length)).toEqual([4, 2, 2, 2, 2, 1]);
  });

  test("a new template is carried out, also from a start without the cloud; one that went leaves all as it is", () => {
    const at = station("ocpp1.6", structuredClone(OLD));
    const { run, bench, change, reconnect } = site("ocpp1.6", at, [wants(INTERVALS)]);
    run();
    change([wants({ ...INTERVALS, MeterValueSampleInterval: "15" })]);
    bench.input({ kind: "link.down" });
    bench.restart();
    reconnect();
    expect(run()).toEqual(["write MeterValueSampleInterval=15", "read MeterValueSampleInterval"]);
    change([]);
    expect(run()).toEqual([]);
    expect(at.valueOf("MeterValueSampleInterval")).toBe("15");
  });

  test("an ER that starts again from its journal, or its snapshot, repeats nothing", () => {
    const at = station("ocpp1.6", {
      HeartbeatInterval: { value: "900" },
      MeterValueSampleInterval: { value: "1", on: "Rejected" },
      WebSocketPingInterval: { value: "0", on: "RebootRequired" },
      NumberOfConnectors: { value: "1", readOnly: true },
    });
    const values = { ...INTERVALS, WebSocketPingInterval: "30", NumberOfConnectors: "2", Nonsense: "1" };
    const { run, bench, reconnect } = site("ocpp1.6", at, [wants(values)]);
    expect(run()).toHaveLength(6);
    bench.restart();
    reconnect();
    expect(run()).toEqual([]);
    const durable = recovered(bench.entries);
    expect(durable.stations.get("CP-1")).toEqual(bench.state.durable.stations.get("CP-1"));
    expect(decodeSnapshot(encodeSnapshot(durable))).toEqual(durable);
  });

  test("what a person sets by command is set back", () => {
    const at = station("ocpp1.6", structuredClone(OLD));
    const { run, bench, cp } = site("ocpp1.6", at, [wants(INTERVALS)]);
    run();
    bench.command(9, { kind: "ChangeConfiguration", params: { key: "HeartbeatInterval", value: "77" } });
    const call = bench.lastCall(cp());
    expect(call?.payload).toEqual({ key: "HeartbeatInterval", value: "77" });
    at.config.set("HeartbeatInterval", { value: "77" });
    bench.frame(cp(), JSON.stringify([3, call?.messageId, { status: "Accepted" }]));
    expect(run()).toEqual(["write HeartbeatInterval=300", "read HeartbeatInterval"]);
  });

  test("what was changed at the station is found after its next boot, or within a day", () => {
    const at = station("ocpp1.6", structuredClone(OLD));
    const { run, boot, second } = site("ocpp1.6", at, [wants(INTERVALS)]);
    run();
    at.config.set("HeartbeatInterval", { value: "5" });
    expect(run()).toEqual([]);
    boot();
    run();
    expect(at.valueOf("HeartbeatInterval")).toBe("300");
    at.config.set("HeartbeatInterval", { value: "5" });
    second(25 * HOUR_MS);
    run();
    expect(at.valueOf("HeartbeatInterval")).toBe("300");
  });

  test("a station that answers nothing else of the ER's own still gets its values", () => {
    const at = station("ocpp1.6", structuredClone(OLD));
    const { run } = site("ocpp1.6", at, [wants(INTERVALS)], { answersAlone: false });
    run(200);
    expect(at.valueOf("HeartbeatInterval")).toBe("300");
  });

  test("what is wanted of one station is bounded", () => {
    const many = Array.from({ length: 8 }, (_, t) =>
      wants(Object.fromEntries(Array.from({ length: 100 }, (_u, n) => [`K${t}-${n}`, "1"])), {
        templateId: uuid(t),
      }),
    );
    const at = station("ocpp1.6", {});
    const { run, bench } = site("ocpp1.6", at, many);
    run(TEMPLATE_WANTED_MAX / 4 + 60);
    expect(at.log).toHaveLength(TEMPLATE_WANTED_MAX / 4);
    expect(bench.state.durable.stations.get("CP-1")?.configuration?.values.size).toBe(TEMPLATE_WANTED_MAX);
  });
});
