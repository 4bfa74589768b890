import type { Translation } from "./phrase.ts";

/**
 * What a client may send as `initializationOptions`. Everything is optional: a client that sends none of it gets the
 * defaults, or is asked through `workspace/configuration` when it can be.
 */
export interface InitializationOptions {
  /** The section `cairn` of the client's settings. */
  settings?: unknown;
  /** VS Code's `files.exclude` and `search.exclude`, in any order: glob to `true`; other values do not exclude. */
  excludes?: readonly unknown[];
  /** True when the client shows `cairn/statusChanged` itself. Others get work-done progress, if they support it. */
  showsStatus?: boolean;
  /** What the server says to people, in the client's language: the texts of `l10n/bundle.l10n.json` to their translations. */
  translation?: Translation;
}
