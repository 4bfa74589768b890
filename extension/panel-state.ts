import type { PanelCommand, PanelState } from "../shared/webview-messages.ts";
import type { ServerClient } from "./client.ts";
import { summarise } from "./index-summary.ts";

/** What the views show of the server. */
export function panelState({ state, statuses }: ServerClient): PanelState {
  if (state.kind !== "running") return state;
  return { kind: "open", index: summarise(statuses.values()) };
}

/** What the buttons of the views run. */
export const PANEL_COMMANDS: Readonly<Record<PanelCommand, string>> = {
  openFolder: "workbench.action.files.openFolder",
  manageTrust: "workbench.trust.manage",
  pause: "cairn.pauseIndexing",
  resume: "cairn.resumeIndexing",
  rebuild: "cairn.rebuildIndex",
  restart: "cairn.restartServer",
  showLog: "cairn.showLog",
  showContents: "cairn.showContents",
  addFilter: "cairn.addFilter",
};
