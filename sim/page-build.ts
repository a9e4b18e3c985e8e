/** The page as people get it, for whoever starts the system from sources. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WEB_ROOT } from "../cloud/api/app.ts";
import { AppError } from "../shared/errors.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

function newestMs(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}

/** Builds the page when there is none, or when its sources are newer. */
export async function buildPage(): Promise<void> {
  const index = join(WEB_ROOT, "index.html");
  if (existsSync(index) && statSync(index).mtimeMs > newestMs(join(ROOT, "cloud/web"))) return;
  const child = spawn(
    process.execPath,
    [join(ROOT, "node_modules/vite/bin/vite.js"), "build", "--logLevel", "error"],
    {
      cwd: ROOT,
      stdio: "inherit",
      // Whoever starts this may be a test: the page is always the one that people get.
      env: { ...process.env, NODE_ENV: "production" },
    },
  );
  const code = await new Promise((done) => child.once("exit", done));
  if (code !== 0)
    throw new AppError("PAGE_NOT_BUILT", "the page could not be built", { hint: "see vite's output above" });
}
