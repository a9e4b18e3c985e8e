/**
 * Passkeys: what the browser asks its owner, between two questions to the API. The library that speaks WebAuthn is
 * fetched when it is needed.
 */
import type { NewPasskey, Passkey } from "./api.gen.ts";
import { call } from "./client.ts";

/** Passkeys exist only where the page came over https, or from this machine. */
export const canPasskey = (): boolean => typeof PublicKeyCredential === "function";

/** The person has closed the browser's question, or it ran out: nothing to complain about. */
export const isDismissed = (error: unknown): boolean =>
  error instanceof Error && (error.name === "NotAllowedError" || error.name === "AbortError");

/** The device has a passkey of this account already. */
export const isKnownDevice = (error: unknown): boolean =>
  error instanceof Error && error.name === "InvalidStateError";

type Credential = NewPasskey["credential"];

/** Only what the API takes: browsers add fields of later versions. */
const plain = ({ id, rawId, type, response, clientExtensionResults, authenticatorAttachment }: Credential) =>
  ({
    ...{ id, rawId, type, response },
    ...(clientExtensionResults === undefined ? {} : { clientExtensionResults }),
    ...(authenticatorAttachment === undefined ? {} : { authenticatorAttachment }),
  }) satisfies Credential;

/** @throws ApiError, or the browser's own error. */
export async function signInWithPasskey(): Promise<void> {
  const { startAuthentication } = await import("@simplewebauthn/browser");
  const optionsJSON = (await call("getPasskeySignInOptions", {})) as never;
  const credential = await startAuthentication({ optionsJSON });
  await call("signInWithPasskey", { body: { credential: plain(credential as unknown as Credential) } });
}

/** @throws ApiError, or the browser's own error. */
export async function addPasskey(name: string): Promise<Passkey> {
  const { startRegistration } = await import("@simplewebauthn/browser");
  const optionsJSON = (await call("getPasskeyOptions", {})) as never;
  const credential = await startRegistration({ optionsJSON });
  return call("addPasskey", { body: { name, credential: plain(credential as unknown as Credential) } });
}
