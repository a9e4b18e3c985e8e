/**
 * Pages for people who are not signed in, at addresses of their own (mails lead there). They end by going elsewhere
 * with a fresh load, so that whoever signs in starts clean.
 */
import { lazy, type ComponentType } from "react";
import { withWords } from "./lib/i18n.ts";

const load = {
  signIn: withWords(["sign-in"], () => import("./pages/sign-in.tsx")),
  setup: withWords(["sign-in"], () => import("./pages/setup.tsx")),
  invitation: withWords(["sign-in"], () => import("./pages/invitation.tsx")),
  resetPassword: withWords(["sign-in"], () => import("./pages/reset-password.tsx")),
  verifyEmail: withWords(["sign-in"], () => import("./pages/verify-email.tsx")),
};

export const SignInPage = lazy(async () => ({ default: (await load.signIn()).SignInPage }));

export const outsidePages: Readonly<Record<string, ComponentType | undefined>> = {
  "/sign-in": SignInPage,
  "/setup": lazy(async () => ({ default: (await load.setup()).SetupPage })),
  "/invitation": lazy(async () => ({ default: (await load.invitation()).InvitationPage })),
  "/reset-password": lazy(async () => ({ default: (await load.resetPassword()).ResetPasswordPage })),
  "/verify-email": lazy(async () => ({ default: (await load.verifyEmail()).VerifyEmailPage })),
};

/** Who is signed in may be signed out while the link is down. */
export const fetchSignIn = (): Promise<unknown> => load.signIn();
