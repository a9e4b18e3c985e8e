/** The browser of the page tests: Debian's chromium, or the one of CHROMIUM_PATH. */
import { chromium, type Browser } from "playwright-core";
import { AppError } from "../../shared/errors.ts";
import { aptInstall, isExecutable } from "./apt.ts";

const HINT =
  "install chromium (Debian: apt-get install --no-install-recommends chromium) or set CHROMIUM_PATH";

function find(): string | undefined {
  const candidates = [
    process.env["CHROMIUM_PATH"],
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
  ];
  return candidates.find((path) => path !== undefined && isExecutable(path));
}

/** @throws AppError SERVICE_MISSING */
export async function launchChromium(): Promise<Browser> {
  if (find() === undefined) aptInstall("Chromium", ["chromium"], HINT);
  const executablePath = find();
  if (executablePath === undefined)
    throw new AppError("SERVICE_MISSING", "Chromium is not installed", { hint: HINT });
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
