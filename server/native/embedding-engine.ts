import type { CairnError } from "../../shared/errors.ts";
import type { EmbeddedTexts, TextKind } from "./engine-model.ts";

/** Whatever makes vectors of texts: a model in a process of its own, or a server. */
export interface EmbeddingEngine {
  /** Process id, for messages and tests; undefined where no process of this machine does the work. */
  readonly pid: number | undefined;
  /** Resolves when it can no longer be asked, with the cause where it knows one. */
  readonly ended: Promise<CairnError | undefined>;
  readonly loaded: {
    readonly threads: number;
    /** Tokens that it takes at once with the most gain. */
    readonly batchTokens: number;
    /** Milliseconds until it could embed, first run included. */
    readonly loadMs: number;
    /** What it runs on, for people; absent where no process of this machine does the work. */
    readonly device?: string;
  };
  /** @throws {CairnError} `output` for texts that it cannot embed, `unavailable` when it cannot be asked */
  embed(texts: readonly string[], kind: TextKind): Promise<EmbeddedTexts>;
  /** Bytes of memory that its process has; 0 where there is none. */
  memory(): Promise<number>;
  /** Calls under way fail. */
  close(): Promise<void>;
}
