/**
 * The ERs' side of files. What lets an ER in is the token of one command (`Authorization: Bearer …`), which
 * travels with that command and is good for its firmware, or for the logs that it asked for, and nothing else.
 *
 * Logs come in pieces: PUT tells what comes, PATCH appends at `Upload-Offset`; both answer how much is here.
 * Complete is what has all its bytes and their SHA-256.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { AppError } from "../../../shared/errors.ts";
import {
  FILE_BYTES_MAX,
  FILE_NAME_LENGTH_MAX,
  FILES_BYTES_PER_OPERATOR_MAX,
  FILES_PER_COMMAND_MAX,
} from "../../../shared/limits.ts";
import type { App, Context } from "../app.ts";
import { ApiProblem } from "../problem.ts";
import { notifyLive } from "../write.ts";
import { inTransaction, type Client, type Queryable } from "../../db/pool.ts";
import { bodyOf, lockFiles, withRawBodies } from "./files.ts";

type CommandRow = {
  command_id: string;
  operator_id: string;
  site_id: string;
  station_id: string;
  er_id: string;
  kind: string;
  params: { firmware?: { fileId?: string } };
  transfer_token: string | null;
  open: boolean;
};

type UploadRow = {
  file_id: string;
  operator_id: string;
  command_id: string | null;
  size: number;
  sha256: string;
  completed_at: Date | null;
  deleted_at: Date | null;
};

const Uuid = Type.String({ pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" });
const Declared = Type.Object({
  name: Type.String({ minLength: 1, maxLength: FILE_NAME_LENGTH_MAX }),
  size: Type.Integer({ minimum: 1, maximum: FILE_BYTES_MAX }),
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  receivedAt: Type.Optional(Type.Integer({ minimum: 0, maximum: 8.64e15 })),
});
const Progress = Type.Object({ offset: Type.Integer(), complete: Type.Boolean() });
const UploadParams = Type.Object({ commandId: Uuid, uploadId: Uuid });

const digest = (text: string) => createHash("sha256").update(text).digest();

/** `bytes=<first>-` → first. ERs ask for nothing else. */
const firstOf = (range: string | undefined): number =>
  Number(/^bytes=(\d{1,15})-$/.exec(range ?? "")?.[1] ?? 0);

export async function erFileRoutes(app: App, { pool, files }: Context): Promise<void> {
  /** @throws ApiProblem 401 when the token is not the command's, or not for this. */
  async function commandOf(
    request: FastifyRequest,
    commandId: string,
    kind: "UpdateFirmware" | "GetLog",
  ): Promise<CommandRow> {
    const token = /^Bearer (\S{1,200})$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const { rows } = await pool.query<CommandRow>(
      `select *, expires_at > now() - interval '1 day' as open from command where command_id = $1 and kind = $2`,
      [commandId, kind],
    );
    const [row] = rows;
    const expected = row?.transfer_token ?? null;
    if (row === undefined || expected === null || !timingSafeEqual(digest(token), digest(expected)))
      throw new ApiProblem(401, "WRONG_TOKEN", "this token is not valid for this command");
    return row;
  }

  app.get(
    "/er/v1/commands/:commandId/firmware",
    { schema: { hide: true, params: Type.Object({ commandId: Uuid }) } },
    async (request, reply) => {
      const command = await commandOf(request, request.params.commandId, "UpdateFirmware");
      const { rows } = await pool.query<{ file_id: string; name: string; sha256: string }>(
        `select file_id, name, sha256 from file where operator_id = $1 and file_id::text = lower($2)
           and kind = 'firmware' and completed_at is not null and deleted_at is null`,
        [command.operator_id, command.params.firmware?.fileId ?? ""],
      );
      const [file] = rows;
      if (file === undefined || !command.open)
        throw new ApiProblem(410, "FILE_GONE", "this firmware is gone");
      const first = firstOf(request.headers.range);
      const content = await files.read(file.file_id, first);
      if (content === undefined || first >= content.size) {
        content?.stream.destroy();
        throw new ApiProblem(
          content === undefined ? 410 : 416,
          "FILE_GONE",
          "nothing of this firmware is there",
        );
      }
      const { size, stream } = content;
      if (first > 0) void reply.code(206).header("Content-Range", `bytes ${first}-${size - 1}/${size}`);
      void reply.header("Content-Length", size - first).header("ETag", `"${file.sha256}"`);
      return reply.type("application/octet-stream").send(stream as never);
    },
  );

  /** What is known of an upload. @throws ApiProblem 404 before it was told of, 410 when nobody wants it. */
  async function uploadOf(db: Queryable, command: CommandRow, uploadId: string): Promise<UploadRow> {
    const { rows } = await db.query<UploadRow>("select * from file where file_id = $1 and operator_id = $2", [
      ...[uploadId, command.operator_id],
    ]);
    const [row] = rows;
    if (row === undefined || row.command_id !== command.command_id)
      throw new ApiProblem(404, "UNKNOWN_UPLOAD", "tell with PUT what comes");
    if (row.deleted_at !== null) throw new ApiProblem(410, "FILE_GONE", "nobody wants this file any more");
    return row;
  }

  /** Room for what comes; what only waits at boxes does not count. @throws ApiProblem 507. */
  async function checkRoom(db: Queryable, { operator_id }: CommandRow, uploadId: string, size: number) {
    const { rows } = await db.query<{ used: number; done: boolean | null }>(
      `select coalesce(sum(size) filter (where file_id <> $2), 0)::float8 as used, bool_or(file_id = $2) as done
       from file where operator_id = $1 and deleted_at is null and completed_at is not null`,
      [operator_id, uploadId],
    );
    const { used = 0, done = false } = rows[0] ?? {};
    if (done === true || used + size <= FILES_BYTES_PER_OPERATOR_MAX) return;
    throw new ApiProblem(507, "FILES_FULL", "this operator's files take all the room they may: delete some");
  }

  async function declare(
    client: Client,
    command: CommandRow,
    uploadId: string,
    told: Record<string, unknown>,
  ): Promise<UploadRow> {
    const { operator_id: operatorId, command_id: commandId } = command;
    const { name, size, sha256, receivedAt } = told as {
      name: string;
      size: number;
      sha256: string;
      receivedAt?: number;
    };
    await lockFiles(client, operatorId);
    const limits = await client.query<{ mine: number; known: boolean }>(
      `select (select count(*)::int from file where command_id = $1) as mine,
         exists (select from file where file_id = $2) as known`,
      [commandId, uploadId],
    );
    const { mine = 0, known = false } = limits.rows[0] ?? {};
    if (!known && mine >= FILES_PER_COMMAND_MAX)
      throw new ApiProblem(507, "TOO_MANY_FILES", "this command has brought enough files");
    await checkRoom(client, command, uploadId, size);
    await client.query(
      `insert into file (file_id, operator_id, kind, name, size, sha256, station_id, command_id, er_id, received_at)
       values ($1, $2, 'log', $3, $4, $5, $6, $7, $8, to_timestamp($9 / 1000.0)) on conflict do nothing`,
      [
        uploadId,
        operatorId,
        name,
        size,
        sha256,
        command.station_id,
        commandId,
        command.er_id,
        receivedAt ?? null,
      ],
    );
    const row = await uploadOf(client, command, uploadId);
    if (Number(row.size) !== size || row.sha256 !== sha256)
      throw new ApiProblem(422, "OTHER_FILE", "another file was told of under this id");
    return row;
  }

  /** All bytes are here, or not yet. @throws ApiProblem 422 when they are not what was told. */
  async function progress(command: CommandRow, row: UploadRow, length: number) {
    const size = Number(row.size);
    if (row.completed_at !== null) return { offset: size, complete: true };
    if (length < size) return { offset: length, complete: false };
    if (!(await files.finish(row.file_id, row.sha256)))
      throw new ApiProblem(
        422,
        "FILE_DAMAGED",
        "the bytes have another SHA-256; send it again from the beginning",
      );
    await inTransaction(pool, async (client) => {
      await client.query("update file set completed_at = coalesce(completed_at, now()) where file_id = $1", [
        row.file_id,
      ]);
      const { site_id: siteId, command_id: commandId } = command;
      await notifyLive(client, command.operator_id, [{ type: "command", siteId, commandId }]);
    });
    return { offset: size, complete: true };
  }

  app.put(
    "/er/v1/commands/:commandId/uploads/:uploadId",
    { schema: { hide: true, params: UploadParams, body: Declared, response: { 200: Progress } } },
    async (request) => {
      const { commandId, uploadId } = request.params;
      const command = await commandOf(request, commandId, "GetLog");
      const told = request.body as Record<string, unknown>;
      const row = await inTransaction(pool, (client) => declare(client, command, uploadId, told));
      return progress(command, row, await files.length(uploadId));
    },
  );

  async function append(request: FastifyRequest, reply: FastifyReply, commandId: string, uploadId: string) {
    const command = await commandOf(request, commandId, "GetLog");
    const row = await uploadOf(pool, command, uploadId);
    const offset = Number(request.headers["upload-offset"] ?? Number.NaN);
    const length = await files.length(uploadId);
    if (row.completed_at !== null || offset !== length)
      return reply.code(409).send({ offset: length, complete: row.completed_at !== null });
    const size = Number(row.size);
    await checkRoom(pool, command, uploadId, size);
    const now = await files.append(uploadId, offset, bodyOf(request), size).catch((error: unknown) => {
      throw error instanceof AppError ? new ApiProblem(413, error.code, error.message) : error;
    });
    return progress(command, row, now);
  }

  await withRawBodies(app, (scope) =>
    scope.patch(
      "/er/v1/commands/:commandId/uploads/:uploadId",
      { schema: { hide: true, params: UploadParams, response: { 200: Progress, 409: Progress } } },
      async (request, reply) => append(request, reply, request.params.commandId, request.params.uploadId),
    ),
  );
}
