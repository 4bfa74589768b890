import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe } from "node:test";
import { installEditor } from "./editor-install.ts";
import { type SearchViewPage, Workbench } from "./workbench.ts";

/** What the tests of a suite share, from its first test on. */
export interface Suite {
  workbench: Workbench;
  /** The search view that was opened last. */
  view: SearchViewPage;
  /** The folder with code, not yet open when the suite is prepared. */
  code: string;
}

/**
 * Tests that share one workbench, one after the other. Each must leave no notification behind that nobody asked for; of
 * each that fails there is a screenshot.
 * @param prepare Runs before the first test: fills the folder and opens it.
 * @param companion The files of another extension that is installed too.
 */
export function inWorkbench(
  name: string,
  prepare: (suite: Suite) => Promise<void>,
  tests: (suite: Suite) => void,
  companion?: Readonly<Record<string, string>>,
): void {
  const install = installEditor();
  const skip = typeof install === "string" ? install : false;
  describe(name, { skip, timeout: 900_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), "cairn-code-"));
    const suite = { code: join(folder, "code") } as Suite;

    before(async () => {
      if (typeof install === "string") return;
      suite.workbench = await Workbench.start(install, companion);
      try {
        await prepare(suite);
      } catch (error) {
        await suite.workbench.screenshot(`failed before ${name}`);
        throw error;
      }
    });

    after(async () => {
      await suite.workbench?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    afterEach(async (context) => {
      if (!("passed" in context) || !context.passed) await suite.workbench.screenshot(`failed ${context.name}`);
      assert.deepEqual(await suite.workbench.toasts(), [], "a notification popped up that nobody asked for");
    });

    tests(suite);
  });
}
