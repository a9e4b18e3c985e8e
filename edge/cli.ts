/**
 * er run | status | config check | hash-password: the command line of the ER.
 */
import { parseArgs } from "node:util";
import { AppError, describeError } from "../shared/errors.ts";
import { loadConfig } from "./config.ts";
import { checkConfig, startEr } from "./er.ts";
import type { Status } from "./io/http.ts";
import { hashPassword } from "../shared/password.ts";
import { describeStatus } from "./status.ts";

const USAGE = `er: the edge half of Moov.olt

  er run            [--config FILE]   start the ER (SIGTERM or Ctrl-C ends it cleanly)
  er status         [--config FILE]   what a running ER says of itself   [--json]
  er config check   [--config FILE]   try the configuration without starting anything
  er hash-password  < FILE            a station's password, hashed for the configuration

The configuration is /etc/er/er.toml unless --config or ER_CONFIG says otherwise. docs/operating.md lists its keys.
`;

async function run(path: string): Promise<void> {
  const er = await startEr(loadConfig(path));
  const stop = () => {
    void er.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(describeError(error));
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  // A parent that started us with an IPC channel ends us by closing it.
  process.once("disconnect", stop);
  process.send?.({ kind: "ready", ocppPort: er.ocppPort, httpPort: er.httpPort });
}

async function status(path: string, json: boolean): Promise<void> {
  const port = loadConfig(path).http?.port ?? 9221;
  const response = await fetch(`http://127.0.0.1:${port}/status`).catch((cause: unknown) => {
    throw new AppError("ER_NOT_RUNNING", `no ER answers on 127.0.0.1:${port}`, {
      cause,
      hint: "systemctl status er",
    });
  });
  const value = (await response.json()) as Status;
  console.log(json ? JSON.stringify(value) : describeStatus(value));
}

async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      config: { type: "string", short: "c" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  const path = values.config ?? process.env["ER_CONFIG"] ?? "/etc/er/er.toml";
  switch (values.help === true ? "help" : positionals.join(" ")) {
    case "run":
      return run(path);
    case "status":
      return status(path, values.json === true);
    case "config check":
      checkConfig(loadConfig(path));
      console.log(`${path} is valid`);
      return;
    case "hash-password":
      console.log(await hashPassword(await readStdin()));
      return;
    case "help":
      console.log(USAGE);
      return;
    default:
      console.error(USAGE);
      process.exitCode = 2;
  }
}

await main().catch((error: unknown) => {
  const hint = error instanceof AppError && error.hint !== undefined ? `\n  what to do: ${error.hint}` : "";
  const code = error instanceof AppError ? `${error.code}: ` : "";
  console.error(`er: ${code}${describeError(error)}${hint}`);
  process.exit(1);
});
