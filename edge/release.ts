/** Which release this is, and the earliest time it can be now. */
import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

export const RELEASE: string = manifest.version;

/** No clock that is right shows less than this: a box without a battery clock wakes up in the past. */
export const RELEASE_AT = Date.UTC(2026, 10, 1);
