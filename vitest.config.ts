/** How the tests run: everything in one `vitest run`, with one RabbitMQ and one PostgreSQL for all of it. */
import { defineConfig } from "vitest/config";

// oxlint-disable-next-line no-default-export -- vitest reads the default export
export default defineConfig({
  test: {
    include: ["{shared,edge,cloud,sim,bench}/**/*.test.ts"],
    globalSetup: ["./sim/services/global-setup.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 120_000,
  },
});
