/**
 * The first run: whoever has the code that the SG has written into its log becomes the first owner. Once.
 */
import { Type } from "typebox";
import { AppError } from "../../../shared/errors.ts";
import { writeAudit } from "../../audit.ts";
import { inTransaction } from "../../db/pool.ts";
import { addMember, createPerson, ownerMissing, takeSetupCode } from "../../people.ts";
import { addressGroup, uncountAttempt } from "../../throttle.ts";
import { open } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { ApiProblem } from "../problem.ts";
import type { Setup } from "../user-schemas.ts";
import { signInAtOnce } from "./invitations.ts";

const refused = () =>
  new ApiProblem(
    403,
    "WRONG_SETUP_CODE",
    "this code is wrong, or older than a day: the newest one stands in the log of the SG; a restart makes another",
  );

async function createOwner({ pool }: Context, requestId: string, body: Setup): Promise<void> {
  try {
    await inTransaction(pool, async (client) => {
      const operatorId = await takeSetupCode(client, body.code);
      if (operatorId === undefined) throw refused();
      if (!(await ownerMissing(client, operatorId)))
        throw new ApiProblem(409, "SETUP_DONE", "there is an owner already: ask for an invitation");
      const { email, name, password } = body;
      const userId = await createPerson(client, { email, name, password, emailVerified: false });
      await addMember(client, operatorId, userId, { role: "owner", siteIds: null, expiresAt: null }, "setup");
      const by = { operatorId, actor: email.toLowerCase(), requestId };
      await writeAudit(client, { ...by, action: "operator.setup", subject: userId, detail: null });
    });
  } catch (error) {
    if (error instanceof AppError && error.code === "EMAIL_TAKEN")
      throw new ApiProblem(409, "EMAIL_TAKEN", `there is an account for ${body.email}: run \`sg owner\``);
    throw error;
  }
}

export function setupRoutes(app: App, context: Context): void {
  const { pool, people } = context;
  app.get(
    "/v1/setup",
    {
      schema: {
        operationId: "getSetup",
        ...open("a fresh server has nobody who could be known"),
        tags: ["sign-in"],
        response: { 200: Type.Ref("SetupState") },
      },
    },
    async () => ({ ownerNeeded: await ownerMissing(pool, people.setupOperatorId) }),
  );

  app.post(
    "/v1/setup",
    {
      bodyLimit: 16_384,
      schema: {
        operationId: "setUp",
        ...open("a fresh server has nobody who could be known; the code of its log vouches"),
        tags: ["sign-in"],
        description: "Makes the first owner and signs them in.",
        body: Type.Ref("Setup"),
        response: { 200: Type.Ref("SignInStep") },
      },
    },
    async (request, reply) => {
      people.checkOrigin(request);
      await people.count(request, "address");
      const body = request.body as Setup;
      await createOwner(context, request.id, body);
      await uncountAttempt(pool, "address", addressGroup(request.ip));
      await signInAtOnce(people, request, reply, body.email, body.password);
      return { next: "done" };
    },
  );
}
