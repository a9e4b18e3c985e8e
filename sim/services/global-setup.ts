/**
 * Vitest's global setup: one RabbitMQ and one PostgreSQL for the whole run, told to the tests by `inject`.
 *
 * Tests share both: they use names of their own (topics, queues, databases) and never stop them. Tests that
 * have to stop a server start one of their own.
 */
import type { TestProject } from "vitest/node";
import { startPostgres } from "./postgres.ts";
import { startRabbitmq } from "./rabbitmq.ts";
import { dropTestDatabases } from "./test-database.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** amqp:// with user and password. */
    amqpUrl: string;
    /** mqtt:// of the same broker. */
    mqttUrl: string;
    /** postgres:// of a superuser; see `createTestDatabase`. */
    databaseUrl: string;
  }
}

/** Starts both servers at the same time; returns what stops them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = await Promise.allSettled([startRabbitmq(), startPostgres({ fsync: false })]);
  const [rabbitmq, postgres] = started;
  const stopAll = async (): Promise<void> => {
    const running = started.filter((one) => one.status === "fulfilled");
    await Promise.all(running.map((one) => one.value.stop()));
  };
  if (rabbitmq.status === "rejected" || postgres.status === "rejected") {
    await stopAll();
    throw rabbitmq.status === "rejected" ? rabbitmq.reason : (postgres as PromiseRejectedResult).reason;
  }
  await dropTestDatabases(postgres.value.url);
  project.provide("amqpUrl", rabbitmq.value.amqpUrl);
  project.provide("mqttUrl", rabbitmq.value.mqttUrl);
  project.provide("databaseUrl", postgres.value.url);
  return stopAll;
}
