/**
 * `npm run conformance`: plays the certification cases of a CSMS as stations over WebSockets.
 *
 * Without --ocpp it starts ER and SG itself; with it, it tests whatever listens there, ours or not, driven by our
 * HTTP API (--api, --key) where there is one. Prints a line per failed case and a table per version; ends with 1
 * when a case failed, with 2 when it could not be played.
 */
import { parseArgs } from "node:util";
import { AppError, describeError } from "../../shared/errors.ts";
import { CASE_IDS, type CaseId } from "./case-ids.ts";
import { CASES } from "./cases.ts";
import type { Csms } from "./csms.ts";
import { createMoovApi } from "./moov.ts";
import { failedLine, report } from "./report.ts";
import { runCases } from "./run.ts";
import { startSystem } from "./system.ts";

const USAGE = `npm run conformance -- [options]

  --version 1.6|2.0.1    only the cases of this version
  --profile TEXT         only profiles whose name contains it (smart, core, "K — ", …)
  --case TC_001_CSMS,…   only these cases
  --parallel N           cases played at the same time
  --list                 tell the cases, play none
  --logs                 at the end, the logs of the ER and SG that were started here

Another CSMS than the one that is started here:
  --ocpp ws://host:port/ocpp   where stations connect; the station's id comes behind it
  --api http://host:port --key KEY[,KEY…]   API of Moov.olt; without it, what needs orders is not applicable
  --prefix TEXT          before every station's id (it is <prefix><case>, CS-TC_001_CSMS); default CS-
  --password TEXT        Basic password of all stations
  --token TEXT           an idToken that it accepts, where there is no API
`;

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
const OPTIONS = {
  ...{ version: text, profile: text, case: text, parallel: text },
  ...{ ocpp: text, api: text, key: text, prefix: text, password: text, token: text },
  ...{ list: flag, help: flag, logs: flag },
};

type Values = {
  [K in Exclude<keyof typeof OPTIONS, "list" | "help" | "logs">]?: string | undefined;
};

function wantedBy({ version, profile, case: ids }: Values): (id: CaseId) => boolean {
  const named = ids?.split(",").map((id) => id.trim());
  const unknown = named?.find((id) => !CASE_IDS.some((known) => known.id === id));
  if (unknown !== undefined)
    throw new AppError("UNKNOWN_CASE", `there is no case ${unknown}`, { hint: "see --list" });
  return (id) =>
    (version === undefined || id.version === version) &&
    (profile === undefined || id.profile.toLowerCase().includes(profile.toLowerCase())) &&
    (named === undefined || named.includes(id.id));
}

function givenCsms(values: Values, ocppUrl: string): Csms {
  const { api, key, prefix = "CS-", password, token } = values;
  if (api !== undefined && key === undefined) throw new AppError("NO_KEY", "--api needs --key");
  return {
    ...{ ocppUrl, prefix, password, token },
    api: api === undefined ? undefined : createMoovApi(api, (key ?? "").split(",")),
  };
}

async function run(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help === true) return (console.log(USAGE), 0);
  const wanted = wantedBy(values);
  if (values.list === true) {
    for (const { version, profile, id, title } of CASE_IDS.filter(wanted))
      console.log(`${version.padEnd(5)}  ${id.padEnd(15)}  ${title}  [${profile}]`);
    return 0;
  }
  const { ocpp, parallel } = values;
  if (ocpp === undefined) console.log("Starting PostgreSQL, broker, SG and ER …");
  const system = ocpp === undefined ? await startSystem() : undefined;
  try {
    const startedMs = performance.now();
    const results = await runCases({
      csms: system?.csms ?? givenCsms(values, ocpp ?? ""),
      cases: CASES,
      wanted,
      ...(parallel === undefined ? {} : { parallel: Number(parallel) }),
      onResult: (result) => {
        if (result.outcome === "failed") console.log(failedLine(result));
      },
    });
    console.log(report(results));
    console.log(`\n${results.length} cases in ${Math.round((performance.now() - startedMs) / 1_000)} s`);
    if (values.logs === true) console.log(system?.logs() ?? "");
    return results.some((result) => result.outcome === "failed") ? 1 : 0;
  } finally {
    await system?.stop();
  }
}

run().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const hint = error instanceof AppError && error.hint !== undefined ? `\n  what to do: ${error.hint}` : "";
    console.error(`npm run conformance: ${describeError(error)}${hint}`);
    process.exit(2);
  },
);
