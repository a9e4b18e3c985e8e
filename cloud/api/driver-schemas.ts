/**
 * The nouns of drivers: the people behind idTokens, imports of tokens with them. What a driver sees of its
 * own is in `own-schemas.ts`. No code here either.
 */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });

const Name = Type.String({ minLength: 1, maxLength: 200, pattern: "\\S" });
const Email = Type.String({ maxLength: 254, pattern: "^[^@\\s]+@[^@\\s]+$" });
const Phone = Type.String({ minLength: 3, maxLength: 30, pattern: "^[0-9+() .\\-]+$" });
const TaxId = Type.String({ maxLength: 20, description: "CPF or CNPJ, with or without its punctuation" });
const Language = OneOf(["pt-BR", "en", "es"]);
const GroupId = Type.String({ minLength: 1, maxLength: 36, description: "The fleet: of all its idTokens" });
const Notes = Type.String({ maxLength: 2_000 });
const UserId = Type.String({ minLength: 1, maxLength: 64, description: "Who this is when signed in" });

const DriverStatus = OneOf(["active", "blocked", "erased"]);

const driverFields = {
  driverId: Type.String(),
  operatorId: Type.String(),
  /** The idTokens of one that is blocked or erased are refused at every site. */
  status: DriverStatus,
  name: Nullable(Type.String()),
  email: Nullable(Type.String()),
  phone: Nullable(Type.String()),
  /** Bare: without punctuation. */
  taxId: Nullable(Type.String()),
  language: Type.String(),
  groupId: Nullable(Type.String()),
  userId: Nullable(Type.String()),
  notes: Nullable(Type.String()),
  tokenCount: Type.Integer(),
  createdAt: Time,
  updatedAt: Time,
  /** Since when the driver itself wishes to be erased; null: it does not. */
  erasureRequestedAt: Nullable(Time),
  erasedAt: Nullable(Time),
  /** When nothing was left of an erased driver in the raw timeline either. */
  erasureFinishedAt: Nullable(Time),
};

export const Driver = Type.Object(driverFields, { $id: "Driver" });
export type Driver = Static<typeof Driver>;

export const DriverDetail = Type.Object(
  {
    ...driverFields,
    idTokens: Type.Array(Type.Ref("IdToken")),
    /** The last ten, newest first. */
    transactions: Type.Array(Type.Ref("Transaction")),
  },
  { $id: "DriverDetail" },
);

const writable = {
  email: Type.Optional(Nullable(Email)),
  phone: Type.Optional(Nullable(Phone)),
  taxId: Type.Optional(Nullable(TaxId)),
  language: Type.Optional(Language),
  groupId: Type.Optional(Nullable(GroupId)),
  userId: Type.Optional(Nullable(UserId)),
  notes: Type.Optional(Nullable(Notes)),
};

export const NewDriver = Type.Object(
  { name: Name, ...writable },
  { $id: "NewDriver", additionalProperties: false },
);
export type NewDriver = Static<typeof NewDriver>;

export const DriverPatch = Type.Object(
  { name: Type.Optional(Name), status: Type.Optional(OneOf(["active", "blocked"])), ...writable },
  { $id: "DriverPatch", additionalProperties: false },
);
export type DriverPatch = Static<typeof DriverPatch>;

/** What has to be said word for word, because nothing brings an erased driver back. */
export const ERASURE_WORDS = "erase this driver for good";

export const NewDriverErasure = Type.Object(
  {
    confirm: Type.String({ maxLength: 100, description: `Exactly: "${ERASURE_WORDS}"` }),
    openBalance: Type.Optional(
      Type.Unsafe<"refuse" | "leave">({
        ...OneOf(["refuse", "leave"]),
        description:
          "What is owed, paid in advance, or not billed yet. `leave`: it stays in the books, and nobody can be asked.",
      }),
    ),
  },
  { $id: "NewDriverErasure", additionalProperties: false },
);
export type NewDriverErasure = Static<typeof NewDriverErasure>;

export const DriverErasure = Type.Object(
  {
    driverId: Type.String(),
    erasedAt: Time,
    /** null: the raw timeline is still being gone through. */
    finishedAt: Nullable(Time),
    /** Finished exports of the operator that may have held the person: they have to be made again. */
    exportsRemoved: Type.Integer(),
  },
  { $id: "DriverErasure" },
);
export type DriverErasure = Static<typeof DriverErasure>;

export const IdTokenGroup = Type.Object(
  {
    groupId: Type.String(),
    tokenCount: Type.Integer(),
    blockedCount: Type.Integer(),
    driverCount: Type.Integer(),
  },
  { $id: "IdTokenGroup" },
);
export type IdTokenGroup = Static<typeof IdTokenGroup>;

export const IdTokenImportRow = Type.Object(
  {
    /** Of the file, where the row begins; the header is on the first. */
    line: Type.Integer(),
    idToken: Nullable(Type.String()),
    result: OneOf(["created", "updated", "unchanged", "error"]),
    reason: Nullable(Type.String()),
  },
  { $id: "IdTokenImportRow" },
);
type IdTokenImportRow = Static<typeof IdTokenImportRow>;

export const IdTokenImport = Type.Object(
  {
    /** rejected: a row had an error and nothing was written. */
    status: OneOf(["applied", "rejected", "dry-run"]),
    created: Type.Integer(),
    updated: Type.Integer(),
    unchanged: Type.Integer(),
    errors: Type.Integer(),
    driversCreated: Type.Integer(),
    driversUpdated: Type.Integer(),
    rows: Type.Array(Type.Ref("IdTokenImportRow")),
  },
  { $id: "IdTokenImport" },
);
export type IdTokenImport = Omit<Static<typeof IdTokenImport>, "rows"> & { rows: IdTokenImportRow[] };

export const DriverPaymentRequest = Type.Object(
  {
    email: Type.String(),
    /** false: there is no mail server, and the mail waits. */
    mailed: Type.Boolean(),
    /** Where the driver pays, signed in. */
    url: Type.String(),
    owed: Type.Array(Type.Object({ currency: Type.String(), amountMinor: Type.Integer() })),
  },
  { $id: "DriverPaymentRequest" },
);
export type DriverPaymentRequest = Static<typeof DriverPaymentRequest>;
