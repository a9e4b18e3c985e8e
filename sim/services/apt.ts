/**
 * Programs that tests need and npm does not carry: found on this machine, or installed through apt-get by
 * root on Debian. Everybody else is told what to do. Nothing is skipped silently.
 */
import { execFileSync, type ExecFileSyncOptions } from "node:child_process";
import { accessSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import { AppError, describeError } from "../../shared/errors.ts";

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Installs a Debian package without letting it start a service.
 * @param hint what a person does where this is not possible. @throws AppError SERVICE_MISSING
 */
export function aptInstall(name: string, packages: readonly string[], hint: string): void {
  if (process.getuid?.() !== 0 || !isExecutable("/usr/bin/apt-get")) {
    throw new AppError("SERVICE_MISSING", `${name} is not installed`, { hint });
  }
  process.stderr.write(`${name} is missing: installing ${packages.join(" ")} through apt-get\n`);
  const options: ExecFileSyncOptions = {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: ["ignore", "ignore", "inherit"],
  };
  try {
    withoutStartingServices(() => {
      execFileSync("/usr/bin/apt-get", ["update", "-q"], options);
      execFileSync(
        "/usr/bin/apt-get",
        ["install", "-q", "-y", "--no-install-recommends", ...packages],
        options,
      );
    });
  } catch (error) {
    throw new AppError("SERVICE_MISSING", `${name} could not be installed: ${describeError(error)}`, {
      hint,
    });
  }
}

/** Debian's policy-rc.d: 101 means that a package's services are not started. */
function withoutStartingServices(install: () => void): void {
  const policy = "/usr/sbin/policy-rc.d";
  if (existsSync(policy)) return install();
  writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    install();
  } finally {
    rmSync(policy, { force: true });
  }
}
