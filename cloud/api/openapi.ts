/**
 * Writes the API's description to docs/openapi.json, and the types of the page's client made from it. It is made
 * from the schemas that validate; a test tells when a committed file is another one.
 */
import { writeFileSync } from "node:fs";
import { createPool } from "../db/pool.ts";
import type { Document } from "./openapi-document.ts";
import { createApp } from "./app.ts";
import { CLIENT_TYPES_FILE, clientTypes } from "./client-types.ts";
import { createHub } from "./live.ts";

export const OPENAPI_FILE = new URL("../../docs/openapi.json", import.meta.url);

/** The document as it is committed. Nothing is connected to. */
export async function openapiText(): Promise<string> {
  const pool = createPool("postgres://127.0.0.1:1/none", { max: 1, name: "sg-openapi" });
  const hub = createHub();
  const nothing = {
    health: async () => ({ status: "ok" as const }),
    metrics: async () => ({ contentType: "", text: "" }),
  };
  const app = await createApp({ pool, hub, webRoot: undefined, filesDir: "", logger: false, ...nothing });
  await app.ready();
  const document = app.swagger();
  hub.stop();
  await app.close();
  await pool.end();
  return `${JSON.stringify(document, null, 2)}\n`;
}

if (import.meta.main) {
  const text = await openapiText();
  writeFileSync(OPENAPI_FILE, text);
  writeFileSync(CLIENT_TYPES_FILE, clientTypes(JSON.parse(text) as Document));
}
