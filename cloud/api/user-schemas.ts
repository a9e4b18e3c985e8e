/**
 * The nouns of people: signing in, users, invitations, sessions, API keys, audit, as JSON Schema. Like
 * `schemas.ts`, and no code here either.
 */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
/** Lower or upper case does not count. Letters outside of ASCII are refused: too many look like others. */
const Email = Type.String({ maxLength: 254, format: "email" });
const Name = Type.String({ minLength: 1, maxLength: 100, pattern: "\\S" });
/** As it is chosen: long is what counts, so nothing else is asked for. */
const NewPassword = Type.String({ minLength: 10, maxLength: 200 });
const Password = Type.String({ minLength: 1, maxLength: 200 });
const Secret = Type.String({ minLength: 10, maxLength: 2_000 });
const RoleName = OneOf([
  "owner",
  "admin",
  "operations",
  "billing",
  "support",
  "site-host",
  "installer",
  "driver",
]);
/** null: all sites of the operator. */
const SiteIds = Nullable(
  Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
    minItems: 1,
    maxItems: 1_000,
    uniqueItems: true,
  }),
);
const Closed = { additionalProperties: false } as const;

export const Done = Type.Object({ done: Type.Literal(true) }, { $id: "Done" });

/* Signing in */

export const SignInMethods = Type.Object(
  {
    password: Type.Boolean(),
    passkeys: Type.Boolean(),
    /** Single sign-on, with the name for its button. */
    sso: Nullable(Type.Object({ name: Type.String() })),
    /** Whether a forgotten password can be reset by mail. */
    mail: Type.Boolean(),
  },
  { $id: "SignInMethods" },
);

export const PasswordSignIn = Type.Object(
  {
    email: Type.String({ minLength: 1, maxLength: 254 }),
    password: Password,
    /** false: until the browser is closed, at most a day. */
    remember: Type.Optional(Type.Boolean({ default: true })),
  },
  { $id: "PasswordSignIn", ...Closed },
);
export type PasswordSignIn = Static<typeof PasswordSignIn>;

export const SignInStep = Type.Object(
  {
    /** `second-factor`: the password was right, `POST /v1/auth/second-factor` is next. */
    next: OneOf(["done", "second-factor"]),
  },
  { $id: "SignInStep" },
);

export const SecondFactor = Type.Object(
  { method: OneOf(["totp", "backup-code"]), code: Type.String({ minLength: 6, maxLength: 32 }) },
  { $id: "SecondFactor", ...Closed },
);
export type SecondFactor = Static<typeof SecondFactor>;

export const SsoStart = Type.Object(
  {
    /** Path of the page to come back to. */
    returnTo: Type.Optional(
      Type.String({ maxLength: 500, pattern: "^/([A-Za-z0-9_?=&.#-][A-Za-z0-9_/?=&.#-]*)?$" }),
    ),
  },
  { $id: "SsoStart", ...Closed },
);
export type SsoStart = Static<typeof SsoStart>;

/** What `navigator.credentials` takes and gives, as JSON (WebAuthn level 3). */
export const PasskeyOptions = Type.Object({}, { $id: "PasskeyOptions", additionalProperties: true });
const Credential = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 2_000 }),
    rawId: Type.String({ minLength: 1, maxLength: 2_000 }),
    type: Type.Literal("public-key"),
    response: Type.Record(Type.String({ maxLength: 50 }), Type.Unknown()),
    clientExtensionResults: Type.Optional(Type.Record(Type.String({ maxLength: 50 }), Type.Unknown())),
    authenticatorAttachment: Type.Optional(Nullable(Type.String({ maxLength: 50 }))),
  },
  Closed,
);
export const PasskeySignIn = Type.Object({ credential: Credential }, { $id: "PasskeySignIn", ...Closed });
export const NewPasskey = Type.Object(
  { credential: Credential, name: Name },
  { $id: "NewPasskey", ...Closed },
);
export type NewPasskey = Static<typeof NewPasskey>;
export const Passkey = Type.Object(
  {
    passkeyId: Type.String(),
    name: Type.String(),
    /** A copy is kept by the maker of the device, so losing it is not losing the passkey. */
    backedUp: Type.Boolean(),
    createdAt: Time,
  },
  { $id: "Passkey" },
);
export type Passkey = Static<typeof Passkey>;

export const PasswordResetRequest = Type.Object({ email: Email }, { $id: "PasswordResetRequest", ...Closed });
export const PasswordReset = Type.Object(
  { token: Secret, password: NewPassword },
  { $id: "PasswordReset", ...Closed },
);
export const PasswordChange = Type.Object(
  { password: Password, newPassword: NewPassword },
  { $id: "PasswordChange", ...Closed },
);
export const PasswordOnly = Type.Object({ password: Password }, { $id: "PasswordOnly", ...Closed });
export const CodeOnly = Type.Object(
  { code: Type.String({ pattern: "^[0-9]{6}$" }) },
  { $id: "CodeOnly", ...Closed },
);
export const TokenOnly = Type.Object({ token: Secret }, { $id: "TokenOnly", ...Closed });

export const TotpSecret = Type.Object(
  {
    /** `otpauth://…`, for a QR code. */
    totpUri: Type.String(),
    /** Each lets in once, without the app. Shown now and never again. */
    backupCodes: Type.Array(Type.String()),
  },
  { $id: "TotpSecret" },
);
export const BackupCodes = Type.Object({ backupCodes: Type.Array(Type.String()) }, { $id: "BackupCodes" });

/* Who is signed in */

export const Person = Type.Object(
  {
    userId: Type.String(),
    email: Type.String(),
    name: Type.String(),
    emailVerified: Type.Boolean(),
    /** An authenticator app is asked for after the password. */
    twoFactor: Type.Boolean(),
  },
  { $id: "Person" },
);
export type Person = Static<typeof Person>;
const PersonRef = Type.Unsafe<Person>(Type.Ref("Person"));

const OperatorOfMine = Type.Object({ operatorId: Type.String(), name: Type.String(), role: Type.String() });
export const SignedInState = Type.Object(
  {
    /** null: nobody is signed in. */
    person: Nullable(PersonRef),
    operators: Type.Array(OperatorOfMine),
  },
  { $id: "SignedInState" },
);

export const Me = Type.Object(
  {
    operatorId: Type.String(),
    /** Of the key, or the person's e-mail address: as the audit says it. */
    keyName: Type.String(),
    role: Type.String(),
    permissions: Type.Array(Type.String()),
    siteIds: Nullable(Type.Array(Type.String())),
    /** null: a key. */
    person: Nullable(PersonRef),
    /** That the person belongs to; the header `Moov-Operator` chooses. */
    operators: Type.Array(OperatorOfMine),
  },
  { $id: "Me" },
);
export type Me = Static<typeof Me>;

export const PersonPatch = Type.Object({ name: Name }, { $id: "PersonPatch", ...Closed });

export const Session = Type.Object(
  {
    sessionId: Type.String(),
    current: Type.Boolean(),
    address: Nullable(Type.String()),
    userAgent: Nullable(Type.String()),
    createdAt: Time,
    expiresAt: Time,
  },
  { $id: "Session" },
);
export type Session = Static<typeof Session>;
export const RevokedSessions = Type.Object({ revoked: Type.Integer() }, { $id: "RevokedSessions" });

/* First run */

export const SetupState = Type.Object(
  {
    /** Nobody owns this operator yet: somebody with the code of the SG's log may. */
    ownerNeeded: Type.Boolean(),
  },
  { $id: "SetupState" },
);
export const Setup = Type.Object(
  { code: Type.String({ minLength: 1, maxLength: 40 }), email: Email, name: Name, password: NewPassword },
  { $id: "Setup", ...Closed },
);
export type Setup = Static<typeof Setup>;

/* Users and invitations */

const membership = { role: RoleName, siteIds: SiteIds, expiresAt: Nullable(Time) };

export const User = Type.Object({ ...Person.properties, ...membership, createdAt: Time }, { $id: "User" });
export type User = Static<typeof User>;

export const UserPatch = Type.Partial(Type.Object(membership), { $id: "UserPatch", ...Closed });
export type UserPatch = Static<typeof UserPatch>;

export const Invitation = Type.Object(
  {
    invitationId: Type.String(),
    email: Type.String(),
    ...membership,
    state: OneOf(["open", "accepted", "revoked", "expired"]),
    createdBy: Type.String(),
    createdAt: Time,
    /** Until when it can be accepted. */
    validUntil: Time,
  },
  { $id: "Invitation" },
);
export type Invitation = Static<typeof Invitation>;

export const NewInvitation = Type.Object(
  {
    email: Email,
    role: RoleName,
    siteIds: Type.Optional(SiteIds),
    /** When the membership ends by itself. */
    expiresAt: Type.Optional(Nullable(Time)),
    driverId: Type.Optional(
      Type.String({ format: "uuid", description: "Of the role driver: who accepts is this driver" }),
    ),
  },
  { $id: "NewInvitation", ...Closed },
);
export type NewInvitation = Static<typeof NewInvitation>;

export const MadeInvitation = Type.Object(
  {
    ...Invitation.properties,
    /** To hand over yourself. Shown once: null when an Idempotency-Key asks again. */
    link: Nullable(Type.String()),
    /** Whether a mail was sent. */
    mailed: Type.Boolean(),
  },
  { $id: "MadeInvitation" },
);

export const InvitationToMe = Type.Object(
  {
    email: Type.String(),
    operatorName: Type.String(),
    role: RoleName,
    /**
     * `create`: name and password are asked for. `sign-in`: sign in with this address first. `recover`: a new
     * password.
     */
    how: OneOf(["create", "sign-in", "recover"]),
  },
  { $id: "InvitationToMe" },
);
export type InvitationToMe = Static<typeof InvitationToMe>;

export const AcceptInvitation = Type.Object(
  { token: Secret, name: Type.Optional(Name), password: Type.Optional(NewPassword) },
  { $id: "AcceptInvitation", ...Closed },
);
export type AcceptInvitation = Static<typeof AcceptInvitation>;

/* API keys */

const keyGrant = {
  name: Name,
  role: RoleName,
  /** A part of what the role may; null: all of it. */
  permissions: Nullable(Type.Array(Type.String({ maxLength: 50 }), { maxItems: 100, uniqueItems: true })),
  siteIds: SiteIds,
  expiresAt: Nullable(Time),
};
export const ApiKey = Type.Object(
  {
    keyId: Type.String(),
    /** The first letters, to tell keys apart. */
    prefix: Type.String(),
    ...keyGrant,
    createdBy: Nullable(Type.String()),
    createdAt: Time,
    lastUsedAt: Nullable(Time),
    revokedAt: Nullable(Time),
  },
  { $id: "ApiKey" },
);
export type ApiKey = Static<typeof ApiKey>;

export const NewApiKey = Type.Object(
  {
    name: Name,
    role: RoleName,
    permissions: Type.Optional(keyGrant.permissions),
    siteIds: Type.Optional(SiteIds),
    expiresAt: Type.Optional(Nullable(Time)),
  },
  { $id: "NewApiKey", ...Closed },
);
export type NewApiKey = Static<typeof NewApiKey>;

export const MadeApiKey = Type.Object(
  {
    ...ApiKey.properties,
    /** The key itself. Shown once: null when an Idempotency-Key asks again. */
    key: Nullable(Type.String()),
  },
  { $id: "MadeApiKey" },
);

/* Audit */

export const AuditEntry = Type.Object(
  {
    auditId: Type.String(),
    at: Time,
    actor: Type.String(),
    action: Type.String(),
    subject: Type.String(),
    requestId: Type.String(),
    detail: Type.Unknown(),
  },
  { $id: "AuditEntry" },
);
export type AuditEntry = Static<typeof AuditEntry>;
