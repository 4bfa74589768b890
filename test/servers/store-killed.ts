import { contentOf } from "../../server/delta-store/delta-store.ts";
import { openStore } from "../../server/delta-store/transfer.ts";

// Stores a file (put store path bytes endpoint) or fetches one (get store path bytes endpoint sha256 size), and dies as a
// machine does once so many bytes are done.
const [what, place, path, bytes, endpoint, sha256, size] = process.argv.slice(2);
const store = await openStore(place, { cwd: process.cwd(), env: process.env, endpoint: endpoint || undefined });
const { signal } = new AbortController();
const onBytes = (done: number) => {
  if (done >= Number(bytes)) process.kill(process.pid, "SIGKILL");
};
if (what === "put") await store.put(path, await contentOf(path, signal), { signal, onBytes });
else await store.get({ sha256, bytes: Number(size) }, path, { signal, onBytes });
