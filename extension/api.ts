import type { CancellationToken } from "vscode";
import { type RootedHit, ToServer } from "../shared/protocol.ts";
import type { SearchRequest } from "../shared/search-types.ts";
import type { ServerClient } from "./client.ts";
import { summarise } from "./index-summary.ts";

/** What other extensions get from `extensions.getExtension("cairn.cairn").activate()`. */
export interface CairnApi {
  /** One answer per open folder. Throws CairnError when the server is not running or refuses. */
  search(request: SearchRequest, token?: CancellationToken): Promise<RootedHit[]>;
  /** Resolves when the index of every open folder is complete; rejects when it cannot become so without help. */
  whenIndexed(): Promise<void>;
}

export function cairnApi(server: ServerClient): CairnApi {
  return {
    search: (request, token) => server.request(ToServer.search, request, token),
    whenIndexed: () =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const { kind } = server.state;
          const { phase, message } = summarise(server.statuses.values());
          const stuck = kind !== "starting" && kind !== "running" ? kind : phase === "failed" ? message : undefined;
          if (stuck === undefined && (kind !== "running" || phase !== "ready")) return;
          subscription.dispose();
          if (stuck === undefined) resolve();
          else reject(new Error(`The workspace is not indexed: ${stuck}`));
        };
        const subscription = server.onDidChange(look);
        look();
      }),
  };
}
