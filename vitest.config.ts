/** How the tests run: everything in one `vitest run`, with one RabbitMQ and one PostgreSQL for all of it. */
import { defineConfig } from "vitest/config";
import { ClosingLine } from "./sim/services/closing-line.ts";

export default defineConfig({
  test: {
    include: ["{shared,edge,cloud,sim,bench}/**/*.test.{ts,tsx}"],
    globalSetup: ["./sim/services/global-setup.ts"],
    reporters: ["default", new ClosingLine()],
    pool: "forks",
    // One more than the two cores that most runners have: many tests wait for a second that has to pass.
    maxWorkers: 3,
    // Ends what hangs, and judges no speed: on a machine that is busy with other things, a test may take its time.
    // Properties that are drawn more often take longer (`sim/services/property.ts`).
    testTimeout: 60_000 * Math.max(1, Number(process.env["PROPERTY_RUNS"] ?? 1)),
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
