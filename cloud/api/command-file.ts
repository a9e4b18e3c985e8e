/** What a command says of files, checked before it is taken. */
import type { Client } from "../db/pool.ts";
import { ApiProblem } from "./problem.ts";
import type { NewCommand } from "./schemas.ts";

/** Firmware is here, or somewhere else. @throws ApiProblem 400 NO_FIRMWARE. */
export async function checkFirmware(client: Client, operatorId: string, body: NewCommand): Promise<void> {
  if (body.kind !== "UpdateFirmware") return;
  const { firmware } = body.params as { firmware?: { fileId?: string; location?: string } };
  if (firmware?.location !== undefined) return;
  if (firmware?.fileId === undefined)
    throw new ApiProblem(
      400,
      "NO_FIRMWARE",
      "which one? `firmware.fileId` of a file, or `firmware.location`",
    );
  const { rowCount } = await client.query(
    `select from file where operator_id = $1 and file_id::text = lower($2) and kind = 'firmware'
       and completed_at is not null and deleted_at is null`,
    [operatorId, firmware.fileId],
  );
  if (rowCount === 0) throw new ApiProblem(400, "NO_FIRMWARE", `there is no firmware "${firmware.fileId}"`);
}
