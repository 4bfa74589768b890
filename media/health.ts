/// <reference lib="dom" />
import type { FromHealthPanel, HealthPanelState, ToHealthPanel } from "../shared/health-panel-messages.ts";
import { button, element } from "./dom.ts";
import { healthTables } from "./health-table.ts";
import { l10n } from "./l10n.ts";

declare function acquireVsCodeApi(): { postMessage(message: FromHealthPanel): void };

const vscode = acquireVsCodeApi();
const send = (type: FromHealthPanel["type"]): void => vscode.postMessage({ type });

const refresh = button(l10n.t("Look Again"), () => send("refresh"));
const bar = element(
  "div",
  "bar unknown",
  { role: "progressbar", "aria-label": l10n.t("Progress") },
  element("div", "bar-fill"),
);
const said = element("p", "dim checked", { role: "status", "aria-live": "polite" });
const tables = element("div", "wide");

document.body.append(
  element(
    "main",
    "",
    {},
    element("h1", "", {}, l10n.t("Health")),
    element(
      "p",
      "about",
      {},
      l10n.t(
        "How the index, the engine of a chosen model and the providers of answers do. The index is asked some questions for it; providers are not asked, what is recorded of the last seven days is told.",
      ),
    ),
    element(
      "div",
      "actions",
      {},
      refresh,
      button(l10n.t("Copy Diagnostic Report"), () => send("copyReport"), "button second"),
    ),
    said,
    bar,
    tables,
  ),
);
window.addEventListener("message", ({ data }: MessageEvent<ToHealthPanel>) => show(data.state));
show({ loading: true });
send("ready");

function show({ loading, health, failure }: HealthPanelState): void {
  // A button that is off would lose the focus.
  refresh.setAttribute("aria-disabled", String(loading));
  bar.style.visibility = loading ? "visible" : "hidden";
  said.classList.toggle("warning", failure !== undefined);
  if (loading) said.textContent = l10n.t("Looking …");
  else if (failure !== undefined) said.textContent = failure;
  else if (health) said.textContent = l10n.t("Looked at {0}", timeOf(health.at));
  if (health) tables.replaceChildren(...healthTables(health));
}

function timeOf(at: string): string {
  return new Date(at).toLocaleTimeString(document.documentElement.lang);
}
