import type { Health } from "./health-types.ts";

/** What the health panel shows. */
export interface HealthPanelState {
  /** It is being looked at. */
  readonly loading: boolean;
  /** As it was looked at last; undefined before. */
  readonly health?: Health;
  /** Why it could not be looked at. */
  readonly failure?: string;
}

/** Extension to health panel. */
export interface ToHealthPanel {
  readonly type: "state";
  readonly state: HealthPanelState;
}

/** Health panel to extension. */
export interface FromHealthPanel {
  readonly type: "ready" | "refresh" | "copyReport";
}
