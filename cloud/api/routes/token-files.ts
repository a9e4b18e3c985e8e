/**
 * idTokens with their drivers as CSV, in and out. What is written out can be read in again and changes
 * nothing.
 */
import { Readable } from "node:stream";
import { stringify } from "csv-stringify/sync";
import { Type } from "typebox";
import { OneOf } from "../../../shared/schema.ts";
import { DRIVER_COLUMNS, recordOf, TOKEN_COLUMNS, type DriverFields } from "../../core/token-csv.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { ApiProblem } from "../problem.ts";
import { importTokens, readImportFile, toKnown } from "../token-import.ts";
import { bodyOf, withRawBodies } from "./files.ts";
import type { TokenRow } from "./id-tokens.ts";

const PORTION = 1_000;

const IMPORT = `A CSV in UTF-8 with commas or semicolons, at most 5 MB and 50,000 rows. The first line
names the columns, in any order; only \`idToken\` has to be there:
${[...TOKEN_COLUMNS, ...DRIVER_COLUMNS].join(", ")}.
A column that is missing leaves what there is; an empty cell takes a token's value away and says nothing
of a driver. With columns of drivers, a row in which all of them are empty is nobody's token. Ids in a
cell are separated by \`#\`. A driver is found by
driverId, driverEmail or driverTaxId; one that is not found is made. The same file again changes nothing.`;

export async function tokenFileRoutes(app: App, context: Context): Promise<void> {
  await importRoute(app, context);
  exportRoute(app, context);
}

async function importRoute(app: App, { requireActor }: Context): Promise<void> {
  await withRawBodies(app, (scope) =>
    scope.post(
      "/v1/id-token-imports",
      {
        schema: {
          operationId: "importIdTokens",
          ...needs("id-tokens:write"),
          tags: ["idTokens"],
          description: IMPORT,
          querystring: Type.Object({
            dryRun: Type.Optional(Type.Boolean({ description: "Says what would happen, and does nothing" })),
            onError: Type.Optional(OneOf(["reject", "skip"])),
          }),
          headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
          response: { 200: Type.Ref("IdTokenImport") },
        },
      },
      async (request) => {
        const actor = await requireActor(request);
        const type = request.headers["content-type"] ?? "";
        if (!/^text\/csv\s*(;\s*(charset="?utf-8"?|header=\w+)\s*)*$/i.test(type))
          throw new ApiProblem(415, "NO_CSV", "send the file as Content-Type: text/csv; charset=utf-8");
        const file = await readImportFile(bodyOf(request));
        if (file.withDrivers && !actor.permissions.has("drivers:write"))
          throw new ApiProblem(403, "FORBIDDEN", "columns of drivers need drivers:write: leave them out");
        const { dryRun = false, onError = "reject" } = request.query;
        return importTokens(actor, request, file, { dryRun, onError });
      },
    ),
  );
}

type Row = TokenRow & { driver: (DriverFields & { driverId: string }) | null };

const ROWS = `
  select t.*, case when d.driver_id is null then null else json_build_object('driverId', d.driver_id,
    'name', d.name, 'email', d.email, 'phone', d.phone, 'taxId', d.tax_id, 'language', d.language) end as driver
  from id_token t left join driver d on d.driver_id = t.driver_id
  where t.operator_id = $1 and t.id_token > $2 order by t.id_token limit ${PORTION}`;

async function* linesOf(actor: Actor, withDrivers: boolean): AsyncGenerator<string> {
  yield stringify([[...TOKEN_COLUMNS, ...(withDrivers ? DRIVER_COLUMNS : [])]], { bom: true });
  let after = "";
  for (;;) {
    const { rows } = await actor.db.query<Row>(ROWS, [actor.operatorId, after]);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield stringify(
      rows.map((row) =>
        recordOf({ idToken: row.id_token, token: toKnown(row), driver: row.driver }, withDrivers),
      ),
    );
    after = last.id_token;
  }
}

function exportRoute(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/id-token-exports",
    {
      schema: {
        operationId: "exportIdTokens",
        ...needs("id-tokens:read"),
        tags: ["idTokens"],
        description:
          "All idTokens as a CSV in UTF-8, with their drivers where drivers may be read. A cell that a " +
          "spreadsheet would take for a formula has an apostrophe before it; an import takes it away again.",
        response: {
          200: { description: "The file", content: { "text/csv": { schema: Type.String() } } },
        },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const withDrivers = actor.permissions.has("drivers:read");
      return reply
        .type("text/csv; charset=utf-8")
        .header("Content-Disposition", 'attachment; filename="id-tokens.csv"')
        .send(Readable.from(linesOf(actor, withDrivers)) as unknown as string);
    },
  );
}
