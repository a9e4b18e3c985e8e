/** How the tests run: everything in one `vitest run`, with one RabbitMQ and one PostgreSQL for all of it. */
import { defineConfig } from "vitest/config";
import { ClosingLine } from "./sim/services/closing-line.ts";

export default defineConfig({
  test: {
    include: ["{shared,edge,cloud,sim,bench}/**/*.test.{ts,tsx}"],
    globalSetup: ["./sim/services/global-setup.ts"],
    reporters: ["default", new ClosingLine()],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 120_000,
  },
});
