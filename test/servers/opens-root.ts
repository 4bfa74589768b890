import { createCore } from "../../server/core.ts";
import type { Role } from "../../server/core-api.ts";
import { nodeHost } from "../../server/node-host.ts";
import { readSettings } from "../../shared/read-settings.ts";

/** A process that opens a root and answers questions about it over its channel, until the channel closes. */
const [root, cacheDirectory, role, model] = process.argv.slice(2);
const { settings } = readSettings({ cacheDirectory, "embedding.model": model ?? "" });
const core = createCore(nodeHost({ level: "silent" }), settings, { role: role as Role });
const workspace = await core.open(root);

type Question = "opened" | "idle" | "status" | "begun" | { find: string } | { edit: string; text?: string };

process.on("disconnect", () => process.exit(0));
process.on("message", async (question: Question) => {
  process.send?.(await answer(question));
});

async function answer(question: Question): Promise<unknown> {
  if (question === "opened") return true;
  if (question === "idle") return workspace.idle();
  if (question === "status") return workspace.status();
  if (question === "begun") return holding();
  if ("edit" in question) {
    workspace.edited(question.edit, question.text);
    // Asked after it over the same connection, so that the holder knows of it by now.
    return workspace.idle();
  }
  const { hits } = await workspace.search({ query: question.find });
  return [...new Set(hits.map((hit) => hit.path))];
}

/** The status once this process holds the index. */
function holding(): Promise<unknown> {
  return new Promise((resolve) => {
    const listening = workspace.onStatus((status) => {
      if (!status.holder) return;
      listening.dispose();
      resolve(status);
    });
  });
}
