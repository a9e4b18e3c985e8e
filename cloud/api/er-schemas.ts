/** The nouns of the boxes at the sites, as JSON Schema. Like `schemas.ts`, and no code here either. */
import { Type, type Static, type TSchema } from "typebox";
import { ErGauges as Gauges } from "../../shared/wire.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });

/** How an ER's box is. Absent: it does not tell. */
export const ErGauges = Type.Object(Gauges.properties, { $id: "ErGauges" });
export type ErGauges = Static<typeof ErGauges>;

export const ErHealth = Type.Object(
  {
    at: Time,
    gauges: Type.Ref("ErGauges"),
  },
  { $id: "ErHealth" },
);
export type ErHealth = { at: string; gauges: ErGauges };

export const SetAside = Type.Object(
  {
    at: Time,
    /** In the data folder of the ER. */
    file: Type.String(),
    reason: Type.String(),
    journalId: Nullable(Type.String()),
    lastSeq: Nullable(Type.Integer()),
  },
  { $id: "SetAside" },
);
export type SetAside = Static<typeof SetAside>;

export const Er = Type.Object(
  {
    erId: Type.String(),
    siteId: Type.String(),
    operatorId: Type.String(),
    online: Type.Boolean(),
    lastSeenAt: Nullable(Time),
    release: Nullable(Type.String()),
    startedAt: Nullable(Time),
    journalId: Nullable(Type.String()),
    /**
     * Last entry that is in PostgreSQL, and the last one the ER has said it holds: the difference is the
     * backlog.
     */
    ackedSeq: Type.Integer(),
    journalSeq: Type.Integer(),
    backlog: Type.Integer(),
    policyVersion: Nullable(Type.Integer()),
    clock: Nullable(Type.String()),
    clockOffsetMs: Nullable(Type.Integer()),
    parkedEntries: Type.Integer(),
    /** The last it told, and when. */
    gauges: Nullable(Type.Ref("ErGauges")),
    gaugesAt: Nullable(Time),
    /** How its program before this one ended (`clean`, `crash`, `watchdog`), and why. */
    previousEnd: Nullable(Type.String()),
    previousReason: Nullable(Type.String()),
    /** Journals it could not use any more, newest first; at most ten. */
    setAside: Type.Array(Type.Ref("SetAside")),
  },
  { $id: "Er" },
);
export type Er = Omit<Static<typeof Er>, "gauges" | "setAside"> & {
  gauges: ErGauges | null;
  setAside: SetAside[];
};
