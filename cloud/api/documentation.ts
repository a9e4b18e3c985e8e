/** The API's description (OpenAPI 3.1), made from the schemas that validate, and the page that shows it. */
import { readFileSync } from "node:fs";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { App } from "./app.ts";

const VERSION = (
  JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }
).version;

const DESCRIPTION = `Sites, stations, transactions, meters and commands of a charging operator.

Times are RFC 3339 in UTC, quantities integers with their unit in the name, ids opaque. Lists are
pages: pass \`nextCursor\` as \`cursor\`. Errors are RFC 9457 problems with a stable \`code\`. Writes
take an \`Idempotency-Key\`: a repeat gets the first answer again, secrets left out; while the first still
runs, 409 \`REQUEST_UNDER_WAY\`.`;

/** Call it before the routes: it looks at them as they are added. */
export async function documentation(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Moov.olt API", version: VERSION, description: DESCRIPTION },
      components: {
        securitySchemes: {
          apiKey: { type: "http", scheme: "bearer", description: "An API key; the scope is a permission" },
          session: { type: "apiKey", in: "cookie", name: "session", description: "A signed-in person" },
        },
      },
    },
    transformObject: (document) => {
      if (!("openapiObject" in document)) throw new Error("the document is OpenAPI");
      const problem = { schema: { $ref: "#/components/schemas/Problem" } };
      for (const path of Object.values(document.openapiObject.paths ?? {})) {
        for (const { responses } of Object.values(
          path as Record<string, { responses: Record<string, unknown> }>,
        )) {
          responses["default"] = {
            description: "What went wrong",
            content: { "application/problem+json": problem },
          };
        }
      }
      // Its body is taken as it comes, by no schema.
      const put = document.openapiObject.paths?.["/v1/files"]?.post;
      if (put !== undefined)
        put.requestBody = {
          required: true,
          content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } },
        };
      const imports = document.openapiObject.paths?.["/v1/id-token-imports"]?.post;
      if (imports !== undefined)
        imports.requestBody = { required: true, content: { "text/csv": { schema: { type: "string" } } } };
      return document.openapiObject;
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `def-${i}`) },
  });
  await app.register(swaggerUi, { routePrefix: "/docs" });
}
