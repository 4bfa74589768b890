import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

// Loaded into a measured process before its own code: writes what the whole process used when it ends.
const file = process.env.CAIRN_BENCH_USAGE;
if (isMainThread && file !== undefined) {
  process.on("exit", () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    writeFileSync(file, JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMB: maxRSS / 1000 }));
  });
}
