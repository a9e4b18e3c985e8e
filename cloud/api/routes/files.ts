/**
 * Files: operators put firmware here and take logs away. Their bytes stream between the request and the disk.
 *
 * What ERs do with them is in `er-files.ts`.
 */
import { randomUUID } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { needs, type Actor } from "../actor.ts";
import { Type } from "typebox";
import { OneOf } from "../../../shared/schema.ts";
import { AppError } from "../../../shared/errors.ts";
import {
  FILE_BYTES_MAX,
  FILE_IDLE_MS_MAX,
  FILE_NAME_LENGTH_MAX,
  FILES_BYTES_PER_OPERATOR_MAX,
  FILES_COMING_PER_OPERATOR_MAX,
} from "../../../shared/limits.ts";
import type { Client, Queryable } from "../../db/pool.ts";
import type { App, Context } from "../app.ts";
import type { File } from "../file-schemas.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export type FileRow = {
  file_id: string;
  operator_id: string;
  kind: "firmware" | "log";
  name: string;
  size: number;
  sha256: string;
  station_id: string | null;
  command_id: string | null;
  created_at: Date;
  created_key: string;
  received_at: Date | null;
  completed_at: Date | null;
  forwarded_at: Date | null;
};

const toFile = (r: FileRow): File => ({
  fileId: r.file_id,
  kind: r.kind,
  name: r.name,
  size: Number(r.size),
  sha256: r.sha256,
  status: r.completed_at !== null ? "complete" : r.forwarded_at !== null ? "lost" : "at-box",
  stationId: r.station_id,
  commandId: r.command_id,
  createdAt: isoOf(r.created_at),
  receivedAt: iso(r.received_at),
  completedAt: iso(r.completed_at),
});

const COLUMNS = "f.*, f.created_at::text as created_key";

/** Bytes of an operator's files, with what has been told and is still coming. What a box has lost takes no room. */
const USED_BYTES = `select coalesce(sum(size), 0)::float8 as used from file
  where operator_id = $1 and deleted_at is null and (completed_at is not null or forwarded_at is null)`;

/** Whoever counts an operator's files before adding one does so alone, until its transaction ends. */
export const lockFiles = async (client: Client, operatorId: string) =>
  void (await client.query("select pg_advisory_xact_lock(hashtext($1))", [`files of ${operatorId}`]));

/** The body as it comes; the request is given up when nothing comes for a while. */
export async function* bodyOf({ raw }: FastifyRequest): AsyncGenerator<Uint8Array> {
  const timer = setTimeout(() => raw.destroy(), FILE_IDLE_MS_MAX);
  try {
    for await (const chunk of raw) {
      timer.refresh();
      yield chunk as Uint8Array;
    }
  } finally {
    clearTimeout(timer);
  }
}

const tooLarge = (room: number) =>
  new ApiProblem(413, "FILE_TOO_LARGE", `no more than ${Math.max(0, Math.trunc(room))} bytes have room here`);

/** A scope in which a body of any type is left unread, for the handler to take it as it comes. */
export async function withRawBodies(app: App, routes: (scope: App) => void): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    routes(scope as unknown as App);
  });
}

export async function fileRoutes(app: App, { files, requireActor }: Context): Promise<void> {
  async function findFile({ db, operatorId }: Actor, fileId: string): Promise<FileRow> {
    if (!UUID.test(fileId)) throw notFound("file", fileId);
    const { rows } = await db.query<FileRow>(
      `select ${COLUMNS} from file f where f.operator_id = $1 and f.file_id = $2 and f.deleted_at is null`,
      [operatorId, fileId],
    );
    if (rows[0] === undefined) throw notFound("file", fileId);
    return rows[0];
  }

  const coming = new Map<string, number>();

  /** @throws ApiProblem 429 where too many of the operator's files are coming already. */
  async function oneOfFew<T>(operatorId: string, work: () => Promise<T>): Promise<T> {
    const count = coming.get(operatorId) ?? 0;
    if (count >= FILES_COMING_PER_OPERATOR_MAX)
      throw new ApiProblem(429, "TOO_MANY_FILES_COMING", `${count} files are being put here: wait for one`);
    coming.set(operatorId, count + 1);
    try {
      return await work();
    } finally {
      const left = (coming.get(operatorId) ?? 1) - 1;
      if (left === 0) coming.delete(operatorId);
      else coming.set(operatorId, left);
    }
  }

  const used = async (db: Queryable, operatorId: string) =>
    (await db.query<{ used: number }>(USED_BYTES, [operatorId])).rows[0]?.used ?? 0;

  await withRawBodies(app, (scope) =>
    scope.post(
      "/v1/files",
      {
        schema: {
          operationId: "createFile",
          ...needs("files:write"),
          tags: ["files"],
          description:
            "Puts firmware here: the body is the file, of any type. The same bytes under the same name are one file.",
          querystring: Type.Object({
            name: Type.String({ pattern: "^(?!\\.{1,2}$)[A-Za-z0-9._-]+$", maxLength: FILE_NAME_LENGTH_MAX }),
          }),
          headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
          response: { 201: Type.Ref("File") },
        },
      },
      async (request, reply) => {
        const actor = await requireActor(request);
        const { name } = request.query;
        const room = FILES_BYTES_PER_OPERATOR_MAX - (await used(actor.db, actor.operatorId));
        const sizeMax = Math.min(FILE_BYTES_MAX, room);
        const fileId = randomUUID();
        const { size, sha256 } = await oneOfFew(actor.operatorId, () =>
          files.put(fileId, bodyOf(request), sizeMax),
        ).catch((error: unknown) => {
          throw error instanceof AppError && error.code === "FILE_TOO_LARGE" ? tooLarge(sizeMax) : error;
        });
        try {
          if (size === 0) throw new ApiProblem(400, "EMPTY_FILE", "the body is empty: it is the file itself");
          const insert = async (client: Client): Promise<FileRow> => {
            await lockFiles(client, actor.operatorId);
            const known = await client.query<FileRow>(
              `select ${COLUMNS} from file f where operator_id = $1 and kind = 'firmware' and name = $2
                 and sha256 = $3 and deleted_at is null`,
              [actor.operatorId, name, sha256],
            );
            if (known.rows[0] !== undefined) return known.rows[0];
            // Others may have come meanwhile.
            const left = FILES_BYTES_PER_OPERATOR_MAX - (await used(client, actor.operatorId));
            if (size > left) throw tooLarge(left);
            const made = await client.query<FileRow>(
              `with f as (insert into file (file_id, operator_id, kind, name, size, sha256, completed_at)
                 values ($1, $2, 'firmware', $3, $4, $5, now()) returning *) select ${COLUMNS} from f`,
              [fileId, actor.operatorId, name, size, sha256],
            );
            await audit(client, actor, request, "file.create", fileId, { name, size, sha256 });
            return made.rows[0] as FileRow;
          };
          const work = async (client: Client) => ({ status: 201, body: toFile(await insert(client)) });
          // The same key with the same bytes: they came again, and are what is here already.
          const file = (await writeOnce(actor, request, work, sha256)).body as File;
          if (file.fileId !== fileId) await files.remove(fileId);
          return reply.code(201).send(file);
        } catch (error) {
          await files.remove(fileId);
          throw error;
        }
      },
    ),
  );

  app.get(
    "/v1/files",
    {
      schema: {
        operationId: "listFiles",
        ...needs("files:read"),
        tags: ["files"],
        description: "Newest first: firmware, and logs of stations, also those that still wait at the box.",
        querystring: Type.Object({
          ...PageQuery,
          kind: Type.Optional(OneOf(["firmware", "log"])),
          stationId: Type.Optional(Type.String()),
          commandId: Type.Optional(Type.String({ format: "uuid" })),
        }),
        response: { 200: PageOf("File") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { kind, stationId, commandId } = request.query;
      const where = conditions("f.operator_id = $1 and f.deleted_at is null", actor.operatorId);
      where.add("f.kind = ?", kind);
      where.add("f.station_id = ?", stationId);
      where.add("f.command_id = ?::uuid", commandId);
      const after = readCursor(request.query, 2);
      where.add("(f.created_at, f.file_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const { rows } = await actor.db.query<FileRow>(
        `select ${COLUMNS} from file f where ${where.sql}
         order by f.created_at desc, f.file_id desc limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.created_key, r.file_id], toFile);
    },
  );

  const FileParams = Type.Object({ fileId: Type.String() });

  app.get(
    "/v1/files/:fileId",
    {
      schema: {
        operationId: "getFile",
        ...needs("files:read"),
        tags: ["files"],
        params: FileParams,
        response: { 200: Type.Ref("File") },
      },
    },
    async (request) => toFile(await findFile(await requireActor(request), request.params.fileId)),
  );

  app.get(
    "/v1/files/:fileId/content",
    {
      schema: {
        operationId: "getFileContent",
        ...needs("files:read"),
        tags: ["files"],
        description: "The bytes, as they were left.",
        params: FileParams,
        response: {
          200: {
            description: "The file",
            content: { "application/octet-stream": { schema: Type.String() } },
          },
        },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const file = await findFile(actor, request.params.fileId);
      const content = file.completed_at === null ? undefined : await files.read(file.file_id);
      if (content === undefined)
        throw new ApiProblem(404, "FILE_NOT_HERE", "this file has not arrived yet: it waits at the box");
      // A log is a stranger's word: it is saved, never shown by the browser.
      return reply
        .type("application/octet-stream")
        .header("Content-Length", content.size)
        .header("Content-Disposition", `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`)
        .header("X-Content-Type-Options", "nosniff")
        .send(content.stream as never);
    },
  );

  app.delete(
    "/v1/files/:fileId",
    {
      schema: {
        operationId: "deleteFile",
        ...needs("files:write"),
        tags: ["files"],
        description: "Its bytes go. A log that still waits at a box is thrown away there.",
        params: FileParams,
        response: { 200: Type.Ref("File") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const file = await findFile(actor, request.params.fileId);
      await actor.db.transaction(async (client) => {
        await client.query("update file set deleted_at = now() where file_id = $1", [file.file_id]);
        await audit(client, actor, request, "file.delete", file.file_id, { name: file.name });
      });
      await files.remove(file.file_id);
      return toFile(file);
    },
  );
}
