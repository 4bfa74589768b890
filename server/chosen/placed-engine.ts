import type { Log } from "../host.ts";
import { type Device, devicesWorthTrying } from "../native/device.ts";
import { Engine } from "../native/engine.ts";
import type { EngineModel } from "../native/engine-model.ts";
import { graphicsStartMs, MOST_DEATHS, startOnGraphics } from "../native/graphics-start.ts";
import { type Hardware, hardwareHere } from "../native/hardware.ts";
import { type Placement, placeModel } from "../native/placement.ts";
import { KeptPlacements } from "./kept-placements.ts";

/** As `cairn.embedding.device` has it. */
export type WantedDevice = Device | "auto";

/** Which model, where it is wanted, and where what was found out is kept. */
interface Place {
  /** Of the model's files and manner. */
  readonly identity: string;
  readonly wanted: WantedDevice;
  readonly cacheDirectory: string;
  readonly log: Log;
  /** How often its engine has ended at work. */
  readonly deaths?: number;
}

/** What a trial depended on: on another machine, or with other drivers, it is made again. */
function placementKey(identity: string, wanted: WantedDevice, { platform, arch, cores, graphics }: Hardware): string {
  return [identity, wanted, platform, arch, cores, ...graphics].join(" ");
}

/** What was found out about a model on this machine; undefined before it was first used. */
export function keptPlacement(cacheDirectory: string, identity: string, wanted: WantedDevice): Placement | undefined {
  return new KeptPlacements(cacheDirectory).get(placementKey(identity, wanted, hardwareHere()));
}

/**
 * Starts a model where it runs best on this machine. That is tried out the first time, and kept.
 * @throws {CairnError} what {@link Engine.start} throws for the processor
 */
export async function startWhereBest(
  model: EngineModel,
  { identity, wanted, cacheDirectory, log, deaths = 0 }: Place,
  signal?: AbortSignal,
): Promise<Engine> {
  const hardware = hardwareHere();
  const key = placementKey(identity, wanted, hardware);
  const kept = new KeptPlacements(cacheDirectory);
  const known = kept.get(key);
  if (known?.device === "cpu") return Engine.start(model, known, signal);
  if (deaths >= MOST_DEATHS) {
    log.warn(leftAlone(model, deaths));
    return Engine.start(model, {}, signal);
  }
  if (known) {
    const start = (on: "graphics" | "processor", stop?: AbortSignal) =>
      Engine.start(model, on === "graphics" ? known : {}, stop);
    const onFailure = (reason: string) =>
      log.warn(
        `embedding with ${model.name}: ${known.device} does not work any more; the processor is used. ${reason}`,
      );
    return startOnGraphics(start, { limitMs: graphicsStartMs(model.weights), onFailure }, signal);
  }
  const devices = wanted === "auto" ? devicesWorthTrying(hardware) : wanted === "cpu" ? [] : [wanted];
  const start = (device: Device, stop: AbortSignal) => Engine.start(model, { device }, stop);
  const { engine, placement } = await placeModel(start, devices, { isWanted: wanted !== "auto", signal });
  engine.useBatches(placement.batchTokens);
  kept.keep(key, placement);
  for (const { device, failure } of placement.trials) {
    if (failure) log.warn(`embedding with ${model.name}: ${device} cannot be used: ${failure}`);
  }
  const won = placement.trials.find(({ device }) => device === placement.device);
  log.info(
    `${model.name} runs on ${placement.device}: ${Math.round(won?.tokensPerSecond ?? 0)} tokens/s in batches of ${placement.batchTokens}`,
  );
  return engine;
}

/** For the log: what ended it so often may be the driver of a graphics device. */
export function leftAlone({ name }: EngineModel, deaths: number): string {
  return `embedding with ${name}: its process has ended ${deaths} times at work; it runs on the processor until Cairn is started again.`;
}
