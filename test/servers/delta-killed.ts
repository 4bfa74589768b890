import { BlockWorkers } from "../../server/delta/block-workers.ts";
import { compress } from "../../server/delta/compress.ts";
import { openDelta } from "../../server/delta/delta-file.ts";
import { openModel } from "../../server/delta/model-files.ts";
import { reconstruct } from "../../server/delta/reconstruct.ts";

// Compresses (base fine out) or rebuilds (base delta out), and dies as a machine does once so many bytes are done.
const [what, base, source, out, bytes] = process.argv.slice(2);
const options = {
  workers: new BlockWorkers(1),
  signal: new AbortController().signal,
  force: false,
  fast: false,
  check: false,
  made: "test",
  onProgress: ({ done }: { done: number }) => {
    if (done >= Number(bytes)) process.kill(process.pid, "SIGKILL");
  },
};
if (what === "compress") await compress(openModel(base), openModel(source), out, options);
else await reconstruct(openDelta(source), openModel(base), out, options);
