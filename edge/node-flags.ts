/**
 * Node flags of the ER's process. A small young generation: measured with 1,000 stations, the process takes
 * little more than half the memory, at the same speed. `package.json` and `systemd/er.service` say the
 * same.
 */
export const ER_NODE_FLAGS: readonly string[] = ["--max-semi-space-size=4"];
