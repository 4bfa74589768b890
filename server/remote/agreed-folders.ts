import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { agree, hasAgreed } from "../answer/agreed-providers.ts";
import type { EmbeddingServer } from "./embedding-server.ts";

/** Whether the code of a folder may be sent to a server: each folder is agreed to by itself, for all of it is sent. */
export function maySend(cacheDirectory: string, server: EmbeddingServer, root: string): boolean {
  return !server.remote || hasAgreed(cacheDirectory, addresseeOf(server, root));
}

/** @throws {CairnError} `unavailable` when the agreement cannot be written down */
export function agreeToSend(cacheDirectory: string, server: EmbeddingServer, root: string): void {
  if (server.remote) agree(cacheDirectory, [addresseeOf(server, root)]);
}

/** Somebody wants the code of a folder to be embedded elsewhere and has not agreed to that. */
export function notAgreedTo({ name, destination }: EmbeddingServer, root: string): CairnError {
  return new CairnError(
    "input",
    phrase("Nothing of {0} is sent to {1} before you agree to it.", root, destination),
    phrase("Choose {0} with the command Cairn: Choose Embedding Model, or with `cairn models use {0}`.", name),
  );
}

function addresseeOf({ provider, destination }: EmbeddingServer, root: string) {
  return { name: `${provider} embeds ${root}`, destination };
}
