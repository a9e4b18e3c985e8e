/**
 * A private RabbitMQ for tests and benches, from the installed binaries: own node name, ports, epmd, cookie
 * and data directory, listening on 127.0.0.1 only. It never touches a RabbitMQ of the system, runs as any
 * user, and ends with this process.
 *
 * Where RabbitMQ is missing, root on Debian installs it through apt-get; others are told what to do.
 */
import { randomBytes } from "node:crypto";
import { realpathSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { AppError } from "../../shared/errors.ts";
import { aptInstall, isExecutable } from "./apt.ts";
import { freePort, spawnGuarded, untilReady, type GuardedChild } from "./child.ts";

export type RabbitmqServer = {
  /** With user and password; vhost /. */
  amqpUrl: string;
  mqttUrl: string;
  /** False when the URLs of the environment are used: then the node cannot be stopped. */
  isPrivate: boolean;
  /** Where its logs lie until `stop`; none when it is not ours. */
  logDir?: string;
  /** Ends the node and removes its data. */
  stop(): Promise<void>;
  /** Stops the node in order (or kills it); its data stay. */
  stopNode(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Starts it again on the same ports. */
  startNode(): Promise<void>;
  restart(): Promise<void>;
};

export type RabbitmqOptions = {
  /** With the MQTT plugin (default true). */
  mqtt?: boolean;
  /** Never the URLs of the environment: for tests that restart the node. */
  alwaysPrivate?: boolean;
};

const BOOT_DEADLINE_MS = 60_000;
const GRACE_MS = 20_000;
const USER = "moov";

/**
 * Starts a node, or uses the one named by TEST_AMQP_URL and TEST_MQTT_URL.
 *
 * @throws AppError SERVICE_MISSING, SERVICE_START
 */
export async function startRabbitmq(options: RabbitmqOptions = {}): Promise<RabbitmqServer> {
  const external = options.alwaysPrivate === true ? undefined : fromEnvironment();
  if (external !== undefined) return external;
  const binary = findServer() ?? installServer();
  const dir = await mkdtemp(join(tmpdir(), "moov-rabbitmq-"));
  const node = await prepareNode(dir, options.mqtt ?? true);
  let running: { epmd: GuardedChild; server: GuardedChild } | undefined;
  const stopNode = async (signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> => {
    await running?.server.end(signal, GRACE_MS);
    await running?.epmd.end("SIGKILL", 0);
    running = undefined;
  };
  const startNode = async (): Promise<void> => {
    running ??= await boot(binary, dir, node);
  };
  await startNode();
  return {
    amqpUrl: `amqp://${USER}:${node.password}@127.0.0.1:${node.amqpPort}`,
    mqttUrl: `mqtt://${USER}:${node.password}@127.0.0.1:${node.mqttPort}`,
    isPrivate: true,
    logDir: join(dir, "log"),
    stop: async () => {
      await stopNode("SIGKILL");
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
    stopNode,
    startNode,
    restart: async () => {
      await stopNode();
      await startNode();
    },
  };
}

function fromEnvironment(): RabbitmqServer | undefined {
  const { TEST_AMQP_URL: amqpUrl, TEST_MQTT_URL: mqttUrl } = process.env;
  if (amqpUrl === undefined || mqttUrl === undefined) return undefined;
  const refuse = (): Promise<never> =>
    Promise.reject(new AppError("SERVICE_EXTERNAL", "the RabbitMQ of TEST_AMQP_URL is not ours to stop"));
  return {
    amqpUrl,
    mqttUrl,
    isPrivate: false,
    stop: () => Promise.resolve(),
    stopNode: refuse,
    startNode: refuse,
    restart: refuse,
  };
}

type Node = {
  amqpPort: number;
  mqttPort: number;
  epmdPort: number;
  password: string;
  epmd: string;
  env: NodeJS.ProcessEnv;
};

async function prepareNode(dir: string, mqtt: boolean): Promise<Node> {
  const [amqpPort, mqttPort, epmdPort, distPort] = await distinctPorts();
  const password = randomBytes(12).toString("hex");
  await mkdir(join(dir, "log"));
  await writeFile(join(dir, "enabled_plugins"), mqtt ? "[rabbitmq_mqtt].\n" : "[].\n");
  await writeFile(join(dir, "advanced.config"), "[].\n");
  const settings = [
    `listeners.tcp.1 = 127.0.0.1:${amqpPort}`,
    `default_user = ${USER}`,
    `default_pass = ${password}`,
    "disk_free_limit.absolute = 64MB",
    "log.file.level = warning",
    ...(mqtt ? [`mqtt.listeners.tcp.1 = 127.0.0.1:${mqttPort}`, "mqtt.allow_anonymous = false"] : []),
  ];
  await writeFile(join(dir, "rabbitmq.conf"), settings.join("\n") + "\n", { mode: 0o600 });
  const env = {
    PATH: `${process.env["PATH"] ?? ""}${delimiter}/usr/sbin${delimiter}/usr/bin${delimiter}/bin`,
    LANG: "C.UTF-8",
    // The Erlang cookie is made here: nobody else's is read or changed.
    HOME: dir,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    ERL_CRASH_DUMP_BYTES: "0",
    RABBITMQ_NODENAME: `moov-${randomBytes(4).toString("hex")}@localhost`,
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: join(dir, "mnesia"),
    RABBITMQ_LOG_BASE: join(dir, "log"),
    RABBITMQ_CONF_ENV_FILE: join(dir, "none.conf"),
    RABBITMQ_CONFIG_FILE: join(dir, "rabbitmq.conf"),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, "advanced.config"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, "enabled_plugins"),
    RABBITMQ_GENERATED_CONFIG_DIR: join(dir, "config"),
    RABBITMQ_PID_FILE: join(dir, "pid"),
    // With "input allowed" the script becomes the server instead of its parent, so that signals arrive.
    RABBITMQ_ALLOW_INPUT: "1",
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      "-noinput +S 1:1 +SDcpu 1:1 +SDio 2 +A 2 +B i -kernel inet_dist_use_interface {127,0,0,1}",
  };
  return { amqpPort, mqttPort, epmdPort, password, epmd: findEpmd(), env };
}

async function distinctPorts(): Promise<[number, number, number, number]> {
  const ports = new Set<number>();
  while (ports.size < 4) ports.add(await freePort());
  return [...ports] as [number, number, number, number];
}

async function boot(
  binary: string,
  dir: string,
  node: Node,
): Promise<{ epmd: GuardedChild; server: GuardedChild }> {
  const common = { env: node.env, cwd: dir, lastSignal: "KILL", throwAwayDir: dir } as const;
  // Erlang would start one for ever in the background.
  const epmd = spawnGuarded({
    ...common,
    command: node.epmd,
    args: ["-port", String(node.epmdPort), "-address", "127.0.0.1"],
    logFile: join(dir, "log", "epmd.out"),
  });
  await untilReady("epmd", epmd, 10_000, () => answers(node.epmdPort));
  const server = spawnGuarded({
    ...common,
    command: binary,
    args: [],
    logFile: join(dir, "log", "server.out"),
  });
  try {
    await untilReady("RabbitMQ", server, BOOT_DEADLINE_MS, () => answers(node.amqpPort, "AMQP\0\0\x09\x01"));
  } catch (error) {
    await server.end("SIGKILL", 0);
    await epmd.end("SIGKILL", 0);
    throw error;
  }
  return { epmd, server };
}

/** Whether the port accepts a connection and, when greeted, answers. */
function answers(port: number, greeting?: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const finish = (result: boolean): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(1_000, () => finish(false));
    socket.on("error", () => finish(false));
    socket.on("close", () => resolve(false));
    if (greeting === undefined) socket.on("connect", () => finish(true));
    else socket.on("connect", () => socket.write(greeting, "latin1")).on("data", () => finish(true));
  });
}

function inPath(name: string): string[] {
  return (process.env["PATH"] ?? "").split(delimiter).map((dir) => join(dir, name));
}

/** The server's own script: Debian's wrapper in /usr/sbin changes the user and logs to /var/log. */
function findServer(): string | undefined {
  const name = "rabbitmq-server";
  const places = ["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/opt/homebrew/sbin", "/usr/local/sbin"];
  return [...places.map((dir) => join(dir, name)), ...inPath(name)].find(
    (file) => isExecutable(file) && !realpathSync(file).includes("script-wrapper"),
  );
}

function findEpmd(): string {
  const found = [...inPath("epmd"), "/usr/bin/epmd", "/opt/homebrew/bin/epmd"].find(isExecutable);
  if (found !== undefined) return found;
  throw new AppError("SERVICE_MISSING", "Erlang's epmd was not found, although RabbitMQ was", {
    hint: "put Erlang's programs into PATH",
  });
}

/** @throws AppError SERVICE_MISSING where it cannot or may not be installed. */
function installServer(): string {
  const hint =
    "install RabbitMQ (Debian, Ubuntu: apt-get install --no-install-recommends rabbitmq-server; " +
    "macOS: brew install rabbitmq) or set TEST_AMQP_URL and TEST_MQTT_URL";
  aptInstall("RabbitMQ", ["rabbitmq-server"], hint);
  const binary = findServer();
  if (binary === undefined)
    throw new AppError("SERVICE_MISSING", "RabbitMQ is not where it should be", { hint });
  return binary;
}
