/**
 * A process that runs one world after the other, as `pool.ts` asks for them. It ends with the process that
 * has forked it.
 */
import { runTask, type Task } from "./task.ts";

process.on("disconnect", () => process.exit());
process.on("message", (task) => {
  // Whoever asked may be gone by then.
  void runTask(task as Task).then((done) => process.send?.(done, undefined, undefined, () => {}));
});
