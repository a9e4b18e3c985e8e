/** The result of a run as text: a table per OCPP version with a line per profile, and why cases do not apply. */
import type { Result } from "./run.ts";

const OUTCOMES = ["passed", "failed", "not-applicable"] as const;

/** The line of a case that failed. */
export const failedLine = ({ id, title, reason }: Result): string =>
  `failed  ${id}  ${title}\n        ${reason ?? "without a reason"}`;

function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => String(row[column]).length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? String(cell).padEnd(width) : String(cell).padStart(width);
      })
      .join("  "),
  );
}

function counts(results: readonly Result[]): number[] {
  return OUTCOMES.map((outcome) => results.filter((result) => result.outcome === outcome).length);
}

function versionReport(version: string, results: readonly Result[]): string[] {
  const profiles = [...new Set(results.map((result) => result.profile))];
  const rows = profiles.map((profile) => [
    profile,
    ...counts(results.filter((result) => result.profile === profile)),
  ]);
  return ["", ...table([[`OCPP ${version}`, ...OUTCOMES], ...rows, ["all", ...counts(results)]])];
}

/** Everything there is to say at the end of a run. */
export function report(results: readonly Result[]): string {
  const versions = [...new Set(results.map((result) => result.version))];
  const tables = versions.flatMap((version) =>
    versionReport(
      version,
      results.filter((result) => result.version === version),
    ),
  );
  const left = results.filter((result) => result.outcome === "not-applicable");
  const reasons = [...new Set(left.map((result) => result.reason ?? ""))];
  const why = reasons.flatMap((reason) => [
    `  ${reason}:`,
    ...left.filter((r) => r.reason === reason).map((r) => `    ${r.id}  ${r.title}`),
  ]);
  return [...tables, ...(why.length === 0 ? [] : ["", "not applicable:", ...why])].join("\n");
}
