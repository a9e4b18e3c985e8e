/**
 * The composition root of the ER: configuration → journal, core loop, OCPP server, meters, broker, HTTP.
 *
 * Order of a start: journal (state rebuilt), `er.started` committed, sockets open, broker. A site starts
 * with no network. Order of a stop: sockets closed, everything committed, snapshot, broker, journal.
 */
import { randomUUID, webcrypto } from "node:crypto";
import pino, { type Logger } from "pino";
import { describeError, AppError } from "../shared/errors.ts";
import { given } from "../shared/given.ts";
import { bootClock } from "./clock.ts";
import { brokerAccess, type Config } from "./config.ts";
import type { Effect, Identity, Input, State } from "./core/types.ts";
import { backlog } from "./core/uplink.ts";
import { startFiles } from "./files.ts";
import { startBroker } from "./io/broker.ts";
import { startCsms, type StationAuth, type StationOptions } from "./io/csms.ts";
import { startHttp, type Status } from "./io/http.ts";
import type { Journal } from "./io/journal.ts";
import {
  openSiteJournal,
  replaceSiteJournal,
  settleSetAside,
  type SiteJournalOptions,
} from "./io/site-journal.ts";
import { loadMeterModels, startModbus, type BusConfig } from "./io/modbus.ts";
import { RELEASE, RELEASE_AT } from "./release.ts";
import { Runtime } from "./runtime.ts";
import { startSelfWatch } from "./self-watch.ts";
import { statusOf } from "./status.ts";
import { forgetPreviousEnd, readPreviousEnd, type WatchdogLimits } from "./watchdog.ts";

const TICK_MS = 100;
const DEFAULT_RETENTION_HOURS = 72;
const SNAPSHOT_MS = 10 * 60_000;

function busesOf(config: Config, models: ReadonlyMap<string, unknown>): BusConfig[] {
  return (config.modbus ?? []).map((bus) => {
    const meters = bus.meters.map((meter) => {
      if (!models.has(meter.model)) {
        throw new AppError(
          "CONFIG_INVALID",
          `modbus: the meter "${meter.id}" has the unknown model "${meter.model}"`,
          {
            hint: `known models: ${[...models.keys()].join(", ")}`,
          },
        );
      }
      return {
        id: meter.id,
        model: meter.model,
        unitId: meter.unit_id,
        intervalMs: meter.interval_s * 1_000,
      };
    });
    if (bus.kind !== "rtu") return { kind: bus.kind, host: bus.host, port: bus.port, meters };
    const { kind, path, baud_rate: baudRate, parity, stop_bits: stopBits } = bus;
    return { kind, path, baudRate, parity, stopBits, meters };
  });
}

/** What the operator has set counts instead of what is configured here, in a lab as well. */
function authOf(config: Config, { live }: State): StationAuth {
  const configured = new Map((config.ocpp.stations ?? []).map((s) => [s.id, [s.password_hash]]));
  const open = config.ocpp.auth === "open";
  return (stationId) => {
    const { passwordHashes = [], configuredPassword } = live.stationRules.get(stationId) ?? {};
    if (passwordHashes.length > 0 && configuredPassword !== true) return { hashes: passwordHashes };
    const own = open ? [] : (configured.get(stationId) ?? []);
    return { hashes: [...own, ...passwordHashes], open };
  };
}

function stationOptionsOf(config: Config): (stationId: string) => StationOptions | undefined {
  const quirks = new Map(
    (config.ocpp.quirks ?? []).map(({ station, assume_protocol, ping }) => [
      station,
      { ...given("assumeProtocol", assume_protocol), ...given("ping", ping) },
    ]),
  );
  return (stationId) => quirks.get(stationId);
}

function identityOf(config: Config, journalId: string, meterModels: Identity["meterModels"]): Identity {
  return {
    erId: config.er,
    siteId: config.site,
    siteName: config.site_name ?? config.site,
    timeZone: config.time_zone ?? "UTC",
    release: RELEASE,
    journalId,
    stationZones: new Map(
      (config.ocpp.quirks ?? []).flatMap((quirk) =>
        quirk.time_zone === undefined ? [] : [[quirk.station, quirk.time_zone] as const],
      ),
    ),
    heartbeatIntervalS: config.ocpp.heartbeat_interval_s ?? 300,
    meterModels,
    authorization: config.ocpp.authorization ?? "online-first",
    unknownToken: config.ocpp.unknown_token ?? "deny",
    provision: config.ocpp.provision ?? true,
    ...given("fileProtocol", config.files?.default_protocol),
    ...given("policyKey", config.policy?.public_key),
  };
}

/** The journal and its loop. A journal whose entries cannot be taken in is moved away like a damaged one. */
function openSite(options: SiteJournalOptions, build: (journal: Journal) => Runtime) {
  const opened = openSiteJournal(options);
  try {
    return { ...opened, runtime: build(opened.journal) };
  } catch (error) {
    const replaced = replaceSiteJournal(options, opened.journal, error);
    return { ...replaced, runtime: build(replaced.journal) };
  }
}

/** Everything that `config check` can say without starting anything. */
export function checkConfig(config: Config): void {
  busesOf(config, loadMeterModels());
  brokerAccess(config);
}

export type Er = Awaited<ReturnType<typeof startEr>>;

export type ErOptions = {
  logger?: Logger;
  /** Ends the process when it cannot go on. */
  end?: (reason: string) => void;
  /** Shorter ones, for tests. */
  watchdogLimits?: WatchdogLimits;
};

/** Starts an ER and resolves when stations may connect. @throws AppError when something cannot start. */
export async function startEr(config: Config, options: ErOptions = {}) {
  const { logger = pino({ level: config.log?.level ?? "info" }) } = options;
  const log = logger.child({ erId: config.er });
  const models = loadMeterModels();
  const buses = busesOf(config, models);
  const access = brokerAccess(config);
  const startedUpMs = performance.now();
  let lastTurnUpMs = performance.now();
  let turnTimer: NodeJS.Timeout | undefined;
  let immediate = false;
  let csms: Awaited<ReturnType<typeof startCsms>> | undefined;
  let broker: ReturnType<typeof startBroker> | undefined;
  let toldOfStart = false;

  const turn = () => {
    immediate = false;
    lastTurnUpMs = performance.now();
    runtime.turn();
    selfWatch.turned();
    if (toldOfStart || runtime.counters.commits === 0) return;
    // What the first commit has told need not be kept for the next start.
    toldOfStart = true;
    settleSetAside(config.data_dir);
    forgetPreviousEnd(config.data_dir);
  };
  const onLog = (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) =>
    log[level](fields, message);

  function perform(effect: Effect): void {
    switch (effect.kind) {
      case "send":
        return csms?.send(effect.connectionId, effect.text);
      case "close":
        return csms?.close(effect.connectionId, effect.code, effect.reason);
      case "log":
        return log[effect.level](effect.fields, effect.message);
      case "files.prepare":
        return files.prepare(effect);
      case "files.drop":
        return files.drop(effect.uploadId);
      case "acked":
        return;
      default:
        // Without a broker (not started yet, stopped) the core hears that it failed and asks again later.
        if (broker !== undefined) broker.publish(effect);
        else if (effect.kind === "publish.batch") runtime.input({ kind: "batch.failed" });
    }
  }

  const now = () => ({ at: clock.now(), upMs: performance.now() - startedUpMs });
  const site = openSite(
    { folder: config.data_dir, newJournalId: randomUUID, now: Date.now, onLog },
    (opened) =>
      new Runtime({
        identity: identityOf(config, opened.journalId, models),
        journal: opened,
        now,
        perform,
        schedule(delayMs) {
          if (delayMs === 0) {
            if (!immediate) setImmediate(turn);
            immediate = true;
            return;
          }
          clearTimeout(turnTimer);
          turnTimer = setTimeout(turn, delayMs);
        },
        onCommitFailed(reason, error) {
          log.error(
            { reason },
            "the journal cannot be written: no station is answered until it can; check the disk",
          );
          selfWatch.onFailed(error);
        },
        retentionMs: (config.journal?.retention_hours ?? DEFAULT_RETENTION_HOURS) * 3_600_000,
      }),
  );
  const { journal, runtime, setAside } = site;
  const clock = bootClock(Math.max(journal.lastAt, RELEASE_AT), Date.now);
  const previous = readPreviousEnd(config.data_dir, journal);
  if (previous.previousEnd === "watchdog") log.error({ ...previous }, "the ER was ended by its watchdog");
  const input = (value: Input) => runtime.input(value);
  const seed = [...webcrypto.getRandomValues(new Uint32Array(4))];
  const start = { boot: randomUUID(), release: RELEASE, clock: clock.state, seed };
  const told = { ...given("reason", setAside?.reason), ...previous, ...given("setAside", setAside) };
  input({ kind: "start", ...start, ...told });
  const end =
    options.end ??
    ((reason: string) => {
      log.fatal(
        { reason, "what to do": "nothing yet: the next start checks the journal" },
        "the ER ends itself",
      );
      process.exit(1);
    });
  const selfWatch = startSelfWatch({
    ...{ config, journal, runtime, now, input, onLog, end },
    limits: options.watchdogLimits,
  });
  // Before the first turn: that may have effects on it.
  const files = startFiles({
    ...{ dataDir: config.data_dir, config: config.files, onInput: input, onLog },
    localAddressOf: (connectionId) => csms?.localAddressOf(connectionId),
  });
  turn();

  const { ocpp } = config;
  try {
    csms = await startCsms({
      host: ocpp.host ?? "0.0.0.0",
      port: ocpp.port,
      auth: authOf(config, runtime.state),
      assumeProtocol: ocpp.assume_protocol,
      stationOptions: stationOptionsOf(config),
      onInput: input,
      backlog: () => runtime.backlog,
      onLog,
    });
  } catch (error) {
    await files.stop();
    await selfWatch.stop();
    journal.close();
    throw error;
  }
  if (ocpp.auth === "open") log.warn("stations are not asked for a password: lab mode");
  const modbus = startModbus(buses, models, {
    onReading: (meterId, reading) => input({ kind: "meter.read", meterId, reading }),
    onHealth: (meterId, state, reason) => {
      const model = buses.flatMap((bus) => bus.meters).find((meter) => meter.id === meterId)?.model ?? "";
      input({ kind: "meter.health", meterId, state, model, reason });
      log[state === "ok" ? "info" : "warn"]({ meterId, reason }, `meter ${state}`);
    },
    onLog: (level, message, fields) => log[level](fields, message),
  });
  const fromBroker = (value: Input) => {
    if (value.kind === "link.up") files.linkUp();
    input(value);
  };
  broker = startBroker({ erId: config.er, ...access, journal, onInput: fromBroker, onLog });
  const ticker = setInterval(() => input({ kind: "tick" }), TICK_MS);
  const snapshots = setInterval(() => runtime.snapshot(), SNAPSHOT_MS);

  const status = (): Status => {
    const upSeconds = Math.round(now().upMs / 1_000);
    const publishedBytes = broker?.counters.publishedBytes ?? 0;
    const told = { previous, setAside, upSeconds, publishedBytes, files: files.gauges() };
    const parts = { runtime, journal, selfWatch, ...told };
    return statusOf(parts, now());
  };
  const healthy = () => {
    if (runtime.counters.commitFailures > 0) return "the journal cannot be written";
    return performance.now() - lastTurnUpMs > 10_000 ? "the loop does not turn" : undefined;
  };
  const http = await startHttp({ port: config.http?.port ?? 9221, status, healthy });
  const ready = { stations: `ws://${ocpp.host ?? "0.0.0.0"}:${csms.port}/ocpp/<stationId>`, http: http.port };
  log.info(
    { ...ready, replayed: runtime.replayed, lastSeq: journal.lastSeq, clock: clock.state },
    "ER started",
  );

  return {
    ocppPort: csms.port,
    httpPort: http.port,
    status,
    /** Commits what is known, tells the cloud, closes. Loses nothing. */
    async stop(): Promise<void> {
      clearInterval(ticker);
      clearInterval(snapshots);
      await Promise.all([csms?.stop(), modbus.stop(), files.stop()]);
      clearTimeout(turnTimer);
      runtime.stop();
      await broker
        ?.stop()
        .catch((error: unknown) => onLog("warn", "broker", { reason: describeError(error) }));
      broker = undefined;
      await http.stop();
      await selfWatch.stop();
      const { lastSeq } = journal;
      journal.close();
      log.info({ lastSeq, backlog: backlog(runtime.state.live.uplink) }, "ER stopped");
    },
  };
}
