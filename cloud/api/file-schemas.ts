/** Files as JSON Schema. Like `schemas.ts`, and no code here either. */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });

/**
 * Firmware that an operator has put here, or a log that a station has left. `at-box`: it waits at the ER until
 * the link is up. `lost`: the ER has delivered it, or lost it, and it is not here.
 */
export const File = Type.Object(
  {
    fileId: Type.String(),
    kind: OneOf(["firmware", "log"]),
    name: Type.String(),
    size: Type.Integer(),
    sha256: Type.String(),
    status: OneOf(["at-box", "complete", "lost"]),
    /** Of logs. */
    stationId: Nullable(Type.String()),
    commandId: Nullable(Type.String()),
    createdAt: Time,
    /** When it was whole at the box. */
    receivedAt: Nullable(Time),
    completedAt: Nullable(Time),
  },
  { $id: "File" },
);
export type File = Static<typeof File>;
