/**
 * The HTTP API as one fastify application: schemas in, problems out, the OpenAPI document made from what
 * validates.
 *
 * No middleware that changes a request: a route asks `requireActor` who is there and passes the actor on.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerDefault,
} from "fastify";
import type { IncomingMessage, ServerResponse } from "node:http";
import { API_BODY_BYTES_MAX } from "../../shared/limits.ts";
import { uuidV7 } from "../../shared/ids.ts";
import type { Pool } from "../db/pool.ts";
import { tenantPool } from "../db/tenant.ts";
import { openFileFolder, type FileFolder } from "../files.ts";
import { createPay, type Pay } from "../pay/providers.ts";
import { secretBox } from "../pay/secrets.ts";
import { createAuthenticator, neededBy, type Actor } from "./actor.ts";
import { compileLazily } from "./compile.ts";
import type { Hub } from "./live.ts";
import { documentation } from "./documentation.ts";
import { createPeople, type People, type PeopleOptions } from "./people.ts";
import { ApiProblem, sendProblem } from "./problem.ts";
import { registerRoutes } from "./routes.ts";
import { sharedSchemas } from "./shared-schemas.ts";

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export type Context = {
  /** Of the tables' owner: for what no actor asks. Whoever has an actor asks `actor.db`. */
  pool: Pool;
  hub: Hub;
  files: FileFolder;
  mailFrom: string | undefined;
  webhookAllowPrivate: boolean;
  pay: Pay;
  people: People;
  /** Where people open the page, where that was told. */
  webUrl: string | undefined;
  requireActor: (request: FastifyRequest) => Promise<Actor>;
};

export type AppOptions = {
  pool: Pool;
  /** The sender of mails; without it they wait. */
  mailFrom?: string | undefined;
  /** Webhooks may go to http and to addresses inside. */
  webhookAllowPrivate?: boolean;
  hub: Hub;
  /** How people sign in, and where their page is. */
  people?: PeopleOptions;
  /** Proxies whose word for an address is believed: addresses and networks. */
  trustProxy?: string[];
  /** Folder for the bytes of files; made when the first one comes. */
  filesDir: string;
  /** Payments; without it providers can be set up for as long as the program runs. */
  pay?: Pay;
  /** Folder of the built page; without it only the API is served. */
  webRoot: string | undefined;
  logger: FastifyBaseLogger | false;
  health: () => Promise<{ status: "ok" | "failing"; [detail: string]: unknown }>;
  metrics: () => Promise<{ contentType: string; text: string }>;
};

const BODY_DEPTH_MAX = 32;

const NO_PAYMENTS = { publicUrl: () => "http://127.0.0.1", sandbox: false };

/** The page runs its own scripts only and may not be framed. Styles inline: the chart library sets them. */
const PAGE_POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** Where `npm run build` puts the page. */
export const WEB_ROOT = fileURLToPath(new URL("../../dist/web/", import.meta.url));

function createServer(options: AppOptions): App {
  let last = 0;
  return Fastify({
    ...(options.logger === false ? { logger: false } : { loggerInstance: options.logger }),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: API_BODY_BYTES_MAX,
    trustProxy: options.trustProxy ?? false,
    // Ids are up to two 64 character names, percent-encoded.
    routerOptions: { maxParamLength: 1_500 },
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply as FastifyReply),
    genReqId: () => uuidV7(Date.now(), () => (last = (last * 1_664_525 + 1_013_904_223) >>> 0)),
  }).withTypeProvider<TypeBoxTypeProvider>() as App;
}

/** Level by level, so that no depth can overflow a stack. */
function nestedDeeper(root: unknown, depthMax: number): boolean {
  let level = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthMax) return true;
    level = level.flatMap((value) =>
      typeof value === "object" && value !== null ? Object.values(value) : [],
    );
  }
  return false;
}

function operationRoutes(app: App, options: AppOptions): void {
  app.get("/healthz", { schema: { hide: true } }, async (_request, reply) => {
    const health = await options.health();
    return reply.code(health.status === "ok" ? 200 : 503).send(health);
  });
  app.get("/metrics", { schema: { hide: true } }, async (_request, reply) => {
    const { contentType, text } = await options.metrics();
    return reply.type(contentType).send(text);
  });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}

/** The page, with its own router: unknown paths outside of the API get index.html. */
async function pageRoutes(app: App, webRoot: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: webRoot,
    wildcard: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const hashed = path.includes("/assets/");
      void reply.header("Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
      void reply.header("X-Content-Type-Options", "nosniff");
      void reply.header("Content-Security-Policy", PAGE_POLICY);
    },
  });
  app.setNotFoundHandler((request, reply) => {
    const page =
      request.method === "GET" && !request.url.startsWith("/v1/") && !request.url.startsWith("/assets/");
    if (page) return reply.header("Cache-Control", "no-cache").sendFile("index.html");
    return sendProblem(
      new ApiProblem(404, "NOT_FOUND", `${request.method} ${request.url} does not exist`),
      request,
      reply,
    );
  });
}

/** Builds the application; `listen` is the caller's. */
export async function createApp(options: AppOptions): Promise<App> {
  const app = createServer(options);
  app.setErrorHandler((error, request, reply) => sendProblem(error as ApiProblem, request, reply));
  for (const schema of sharedSchemas()) app.addSchema(schema);
  // Nothing is open by mistake: a route that does not say who may use it does not start.
  app.addHook("onRoute", ({ url, schema }) => {
    if (url.startsWith("/v1/") && neededBy(schema) === undefined)
      throw new Error(`${url} says neither needs() nor open() in its schema`);
  });
  compileLazily(app);
  app.addHook("preValidation", async ({ body }) => {
    if (nestedDeeper(body, BODY_DEPTH_MAX))
      throw new ApiProblem(400, "TOO_DEEP", `the body is nested deeper than ${BODY_DEPTH_MAX} levels`);
  });
  await documentation(app);
  const people = createPeople(options.pool, options.people ?? {}, options.logger);
  const behind = tenantPool(options.pool);
  app.addHook("onClose", async () => behind.end());
  const { admit, forget, requireActor } = createAuthenticator(options.pool, behind, people.readSession);
  options.hub.onChanged(forget);
  app.addHook("onRequest", admit);
  app.addHook("onRequest", async ({ url }) => {
    // No text of PostgreSQL's holds it; a stream that has begun could not say so any more.
    if (/%00/.test(url)) throw new ApiProblem(400, "INVALID_VALUE", "NUL is in no name, id or text");
  });
  const files = openFileFolder(options.filesDir);
  const pay = options.pay ?? createPay(options.pool, secretBox(randomBytes(32)), NO_PAYMENTS);
  const webUrl = options.people?.webUrl;
  const context: Context = {
    pool: options.pool,
    hub: options.hub,
    files,
    pay,
    people,
    webUrl,
    mailFrom: options.mailFrom,
    webhookAllowPrivate: options.webhookAllowPrivate ?? false,
    requireActor,
  };

  await registerRoutes(app, context);
  operationRoutes(app, options);
  if (options.webRoot !== undefined && existsSync(`${options.webRoot}/index.html`))
    await pageRoutes(app, options.webRoot);
  else {
    app.setNotFoundHandler((request, reply) =>
      sendProblem(
        new ApiProblem(404, "NOT_FOUND", `${request.method} ${request.url} does not exist`),
        request,
        reply,
      ),
    );
  }
  return app;
}
