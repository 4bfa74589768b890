import type { Settings } from "../../shared/settings.ts";
import type { Host } from "../host.ts";
import type { GainModel } from "./gain-model.ts";
import { RouteRecord } from "./route-record.ts";
import { Router } from "./router.ts";

/**
 * The router that the settings ask for; undefined when they name no two models to choose between.
 * @param cacheDirectory absolute; where it is remembered what came of its decisions
 */
export async function createRouter(
  host: Pick<Host, "files" | "log">,
  settings: Settings,
  cacheDirectory: string,
): Promise<Router | undefined> {
  if (!settings["answer.routing.strong"] || !settings["answer.routing.weak"]) return undefined;
  const { loadGainModel } = await import("./load-gain-model.ts");
  let model: GainModel | undefined;
  const estimate = (question: string) => {
    // Ten milliseconds and eight megabytes, for those only who route.
    model ??= loadGainModel(host, settings["answer.routing.parameters"]);
    return model.estimate(question);
  };
  return new Router(settings, estimate, new RouteRecord(cacheDirectory, host.log));
}
