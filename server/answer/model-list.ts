import { explainFailure, type FailedRequest } from "./explain-failure.ts";
import { Watchdog } from "./watchdog.ts";

/**
 * The names of the models that a provider offers now.
 * @param list asks for them through the provider's client
 * @throws ProviderError
 */
export async function offeredModels(
  request: Omit<FailedRequest, "model">,
  withinMs: number,
  signal: AbortSignal,
  list: (signal: AbortSignal) => Promise<{ readonly data?: readonly { readonly id: string }[] }>,
): Promise<string[]> {
  const watchdog = new Watchdog(request.provider, signal);
  try {
    watchdog.expect("list-of-models", withinMs);
    const { data } = await watchdog.race(list(watchdog.signal));
    return (Array.isArray(data) ? data : []).map(({ id }) => String(id));
  } catch (error) {
    signal.throwIfAborted();
    throw explainFailure(error, { ...request, model: "" });
  } finally {
    watchdog.stop();
  }
}
