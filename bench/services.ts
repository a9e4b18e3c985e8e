/**
 * PostgreSQL and RabbitMQ for the benchmarks: started when first asked for, shared by all of a run, with
 * fsync as in production.
 */
import { Client } from "pg";
import { startPostgres, type PostgresServer } from "../sim/services/postgres.ts";
import { startRabbitmq, type RabbitmqServer } from "../sim/services/rabbitmq.ts";

export type Services = {
  /** A new, empty database; its URL. */
  database(): Promise<string>;
  rabbitmq(): Promise<RabbitmqServer>;
};

/** @param onEnd what stops them. */
export function createServices(onEnd: (work: () => unknown) => void): Services {
  let postgres: Promise<PostgresServer> | undefined;
  let rabbitmq: Promise<RabbitmqServer> | undefined;
  let databases = 0;
  onEnd(async () => (await postgres)?.stop());
  onEnd(async () => (await rabbitmq)?.stop());
  return {
    async database() {
      postgres ??= startPostgres({ alwaysPrivate: true });
      const { url } = await postgres;
      const name = `bench_${(databases += 1)}`;
      const client = new Client({ connectionString: url });
      await client.connect();
      await client.query(`create database ${name}`);
      await client.end();
      return url.replace(/\/postgres$/, `/${name}`);
    },
    rabbitmq: () => (rabbitmq ??= startRabbitmq({ mqtt: false, alwaysPrivate: true })),
  };
}
