/**
 * Entry of the watchdog's thread: turns on the compile cache, then runs it.
 *
 * JavaScript for the same reason as `main.js`: without the stripper in a second heap the thread costs half the memory.
 */
import { enableCompileCache } from "node:module";

enableCompileCache();
await import("./watchdog-thread.ts");
