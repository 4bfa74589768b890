import { openStore, push } from "../../server/delta-store/transfer.ts";

// Pushes a delta under one name after the other and removes the name again, but for the last one; again and again.
const [place, path, name, rounds] = process.argv.slice(2);
const store = await openStore(place, { cwd: process.cwd(), env: process.env });
const { signal } = new AbortController();
for (let round = 0; round < Number(rounds); round++) {
  await store.removeName(name, signal).catch(() => false);
  await push(store, path, name, { signal });
}
