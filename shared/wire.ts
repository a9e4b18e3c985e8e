/**
 * What crosses the broker: topics and envelopes. Everything is versioned by `v`; unknown fields are kept.
 *
 *   up/<erId>/hello    who I am and how my site is now       (JSON, zstd)
 *   up/<erId>/journal  a batch of journal blocks             (header line + blocks as they are on the ER's disk)
 *   up/<erId>/ask      a question with a deadline            (JSON)
 *   down/<erId>/ack | answer | commands | policy             (JSON; policy zstd)
 */
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "./schema.ts";
import { Compile, type Validator } from "typebox/compile";
import { AppError } from "./errors.ts";
import { Command } from "./command.ts";
import { ClockState, ErHealth, LeasedResource, Protocol } from "./entry.ts";
import { StationId, TopicId, Uuid } from "./ids.ts";
import {
  ASKED_TOKEN_LENGTH_MAX,
  BATCH_ENTRIES_MAX,
  BLOCK_SEQS_MAX,
  CONNECTORS_PER_STATION_MAX,
  HELLO_STATIONS_MAX,
  WIRE_MESSAGE_BYTES_MAX,
} from "./limits.ts";
import type { SignedPolicy } from "./policy.ts";

export const UP_KINDS = ["hello", "journal", "ask"] as const;
export const DOWN_KINDS = ["ack", "answer", "commands", "policy"] as const;
export type UpKind = (typeof UP_KINDS)[number];
export type DownKind = (typeof DOWN_KINDS)[number];

export const upTopic = (erId: string, kind: UpKind) => `up/${erId}/${kind}`;
export const downTopic = (erId: string, kind: DownKind) => `down/${erId}/${kind}`;

/** `up/<erId>/<kind>` → its parts, or undefined when it is no topic of ours. */
export function parseTopic(topic: string): { direction: string; erId: string; kind: string } | undefined {
  const [direction, erId, kind, ...rest] = topic.split("/");
  if (direction === undefined || erId === undefined || kind === undefined || rest.length > 0)
    return undefined;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(erId)) return undefined;
  return { direction, erId, kind };
}

const Seq = Type.Integer({ minimum: 0 });
const Short = Type.String({ maxLength: 100 });

const ConnectorSnapshot = Type.Object({
  evseId: Type.Integer(),
  connectorId: Type.Integer(),
  status: Short,
  detail: Type.Optional(Short),
  errorCode: Type.Optional(Short),
  at: Type.Integer(),
});

/** A transaction that runs now: enough for the map, while its history still drains. */
const TransactionSnapshot = Type.Object({
  transactionId: Uuid,
  ocppTransactionId: Short,
  evseId: Type.Integer(),
  startedAt: Type.Integer(),
  idToken: Type.Optional(Short),
  meterStartWh: Type.Optional(Type.Integer()),
  energyImportWh: Type.Optional(Type.Integer()),
});

const { kind: _kind, seq: _seq, at: _at, upMs: _upMs, clock: _clock, ...gauges } = ErHealth.properties;
/** How the box is now: the gauges of `er.health`. */
export const ErGauges = Type.Object(gauges);
export type ErGauges = Static<typeof ErGauges>;

export const Hello = Type.Object({
  v: Type.Literal(1),
  erId: TopicId,
  siteId: TopicId,
  siteName: Short,
  timeZone: Short,
  journalId: Uuid,
  boot: Uuid,
  release: Short,
  /** Wall and monotonic clock of the ER when it wrote this. */
  at: Type.Integer(),
  upMs: Type.Integer({ minimum: 0 }),
  clock: ClockState,
  startedAt: Type.Integer(),
  /** The journal holds [oldestSeq, lastSeq]; the state below is the one after lastSeq. */
  oldestSeq: Seq,
  lastSeq: Seq,
  ackedSeq: Seq,
  policyVersion: Type.Integer({ minimum: 0 }),
  stations: Type.Array(
    Type.Object({
      stationId: StationId,
      protocol: Type.Optional(Protocol),
      online: Type.Boolean(),
      lastMessageAt: Type.Optional(Type.Integer()),
      connectors: Type.Array(ConnectorSnapshot, { maxItems: CONNECTORS_PER_STATION_MAX }),
      /** Station's clock minus the ER's best time, as last measured. */
      clockSkewMs: Type.Optional(Type.Integer()),
      /** Absent: this ER does not tell; empty: nothing runs. */
      transactions: Type.Optional(Type.Array(TransactionSnapshot, { maxItems: CONNECTORS_PER_STATION_MAX })),
    }),
    { maxItems: HELLO_STATIONS_MAX },
  ),
  gauges: Type.Optional(ErGauges),
});
export type Hello = Static<typeof Hello>;

export const Ack = Type.Object({
  v: Type.Literal(1),
  journalId: Uuid,
  /** Last entry that is committed in PostgreSQL. */
  seq: Seq,
  /** Send again from `seq + 1`. */
  resume: Type.Boolean(),
  cloudTime: Type.Integer(),
  /** The `upMs` of the hello that this answers: how long the way was, and so how exact `cloudTime` is. */
  helloUpMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** The version of the site's policy: where it is the ER's own, the ER's knowledge is fresh. */
  policyVersion: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type Ack = Static<typeof Ack>;

export const Ask = Type.Object({
  v: Type.Literal(1),
  correlationId: Uuid,
  question: Type.Union([
    Type.Object({
      kind: Type.Literal("authorize"),
      purpose: Type.Union([Type.Literal("authorize"), Type.Literal("start")]),
      stationId: StationId,
      idToken: Type.String({ minLength: 1, maxLength: ASKED_TOKEN_LENGTH_MAX }),
      /** What a car shows: its contract certificate, or the hashes of the chain (ISO 15118). */
      contract: Type.Optional(
        Type.Object({
          certificate: Type.Optional(Type.String({ maxLength: 10_000 })),
          hashData: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 4 })),
        }),
      ),
    }),
    /** A station's CALL that only the cloud can answer. */
    Type.Object({
      kind: Type.Literal("ocpp"),
      stationId: StationId,
      protocol: Protocol,
      action: Short,
      payload: Type.Record(Type.String(), Type.Unknown()),
    }),
    Type.Object({
      kind: Type.Literal("lease"),
      resource: Type.Optional(LeasedResource),
      count: Type.Integer({ minimum: 1, maximum: 10_000 }),
    }),
  ]),
});
export type Ask = Static<typeof Ask>;
export type Question = Ask["question"];

export const Answer = Type.Object({
  v: Type.Literal(1),
  correlationId: Uuid,
  answer: Type.Union([
    Type.Object({
      kind: Type.Literal("authorize"),
      status: OneOf([
        "Accepted",
        "Blocked",
        "Expired",
        "Invalid",
        "Unknown",
        "ConcurrentTx",
        "NotAtThisTime",
      ]),
      reason: Short,
      groupId: Type.Optional(Type.String({ maxLength: 36 })),
      expiresAt: Type.Optional(Type.Integer()),
      /** Bounds at which the site ends the transaction by itself: what a guest has paid for. */
      cap: Type.Optional(
        Type.Object({
          energyWh: Type.Optional(Type.Integer({ minimum: 0 })),
          durationS: Type.Optional(Type.Integer({ minimum: 1 })),
        }),
      ),
      /** What its holder was offered (`OfferedTariff`). Looked at by itself: the ER may be too old to read it. */
      tariff: Type.Optional(Type.Unknown()),
      /** What was found of a contract certificate (OCPP 2.x `AuthorizeCertificateStatusEnumType`). */
      certificateStatus: Type.Optional(Short),
    }),
    /** The payload of the CALLRESULT; absent: nobody could say. */
    Type.Object({
      kind: Type.Literal("ocpp"),
      payload: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    }),
    Type.Object({
      kind: Type.Literal("lease"),
      resource: Type.Optional(LeasedResource),
      first: Type.Integer({ minimum: 1 }),
      count: Type.Integer({ minimum: 1 }),
    }),
  ]),
});
export type Answer = Static<typeof Answer>;

export const Commands = Type.Object({ v: Type.Literal(1), commands: Type.Array(Command, { maxItems: 200 }) });

/**
 * Sequence numbers and bytes of one block. A block that the ER has rewritten (merged or thinned for want of
 * disk) tells the chain after it, since its bytes do not give it any more.
 */
const BlockHeader = Type.Union([
  Type.Tuple([Type.Integer({ minimum: 1, maximum: BATCH_ENTRIES_MAX }), Type.Integer({ minimum: 1 })]),
  Type.Tuple([
    Type.Integer({ minimum: 1, maximum: BLOCK_SEQS_MAX }),
    Type.Integer({ minimum: 1 }),
    Type.String({ pattern: "^[0-9a-f]{32}$" }),
  ]),
]);

export const BatchHeader = Type.Object({
  v: Type.Literal(1),
  journalId: Uuid,
  firstSeq: Type.Integer({ minimum: 1 }),
  blocks: Type.Array(BlockHeader, { minItems: 1, maxItems: BATCH_ENTRIES_MAX }),
  /** Chain before the first and after the last block, hex. */
  prevChain: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  chain: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  /** The oldest entry that the ER still holds: what is before it can never be sent again. */
  oldestSeq: Type.Integer({ minimum: 1 }),
});
export type BatchHeader = Static<typeof BatchHeader>;
export type Batch = BatchHeader & { bytes: Buffer[] };

const validators = new Map<TSchema, Validator>();

/** Checks a value from outside against a schema. @throws AppError WIRE_INVALID with the first violation. */
export function checkWire<T extends TSchema>(schema: T, value: unknown): Static<T> {
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = Compile(schema) as unknown as Validator;
    validators.set(schema, validator);
  }
  if (!validator.Check(value)) {
    const [first] = validator.Errors(value);
    throw new AppError(
      "WIRE_INVALID",
      `${first?.instancePath ?? ""} ${first?.message ?? "is invalid"}`.trim(),
    );
  }
  return value as Static<T>;
}

function parseJson(payload: Buffer): unknown {
  if (payload.length > WIRE_MESSAGE_BYTES_MAX)
    throw new AppError("WIRE_TOO_LARGE", `${payload.length} bytes`);
  // zstd frames start with this magic number; JSON never does.
  const packed = payload.length > 4 && payload.readUInt32LE(0) === 0xfd2fb528;
  try {
    const text = packed
      ? zstdDecompressSync(payload, { maxOutputLength: 8 * WIRE_MESSAGE_BYTES_MAX })
      : payload;
    return JSON.parse(text.toString("utf8"));
  } catch (error) {
    throw new AppError("WIRE_INVALID", "no JSON", { cause: error });
  }
}

/** Envelope → bytes; compressed where it is worth it. */
export function encodeWire(
  value: Hello | Ack | Ask | Answer | SignedPolicy | Static<typeof Commands>,
): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  return text.length > 512 ? zstdCompressSync(text) : text;
}

/** Bytes → envelope of the given schema. @throws AppError WIRE_INVALID, WIRE_TOO_LARGE. */
export function decodeWire<T extends TSchema>(schema: T, payload: Buffer): Static<T> {
  return checkWire(schema, parseJson(payload));
}

/** One line of JSON, then the blocks as they are. */
export function encodeBatch(batch: Batch): Buffer {
  const { bytes, ...header } = batch;
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...bytes]);
}

/** @throws AppError WIRE_INVALID when the header is wrong or does not match the bytes. */
export function decodeBatch(payload: Buffer): Batch {
  if (payload.length > WIRE_MESSAGE_BYTES_MAX)
    throw new AppError("WIRE_TOO_LARGE", `${payload.length} bytes`);
  const end = payload.indexOf(0x0a);
  if (end === -1 || end > 64 * 1024) throw new AppError("WIRE_INVALID", "a batch without a header line");
  const header = checkWire(BatchHeader, parseJson(payload.subarray(0, end)));
  const bytes: Buffer[] = [];
  let offset = end + 1;
  for (const [, length] of header.blocks) {
    bytes.push(payload.subarray(offset, offset + length));
    offset += length;
  }
  if (offset !== payload.length) {
    throw new AppError("WIRE_INVALID", `header says ${offset} bytes, there are ${payload.length}`);
  }
  return { ...header, bytes };
}
