import type { EmbeddingCost, EmbeddingFee, WantedForm } from "../../shared/embedding-types.ts";
import type { Settings } from "../../shared/settings.ts";
import { formOf } from "../chosen/chosen-form.ts";
import type { ChosenModel } from "../chosen/chosen-model.ts";
import { costHere, costOf, feeOf, type KeptVectors } from "../chosen/embedding-cost.ts";
import { BUNDLED, type KeptChoice, keepChoice } from "../chosen/model-choice.ts";
import type { Workspace } from "../core-api.ts";
import { nodeHost } from "../node-host.ts";
import { agreeToSend, maySend } from "../remote/agreed-folders.ts";
import type { EmbeddingServer } from "../remote/embedding-server.ts";
import { remoteModel } from "../remote/remote-model.ts";
import type { CommandContext } from "./command.ts";
import { confirmed } from "./sending-notice.ts";
import { bytes, counted, untilIndexed, withWorkspace } from "./session.ts";
import { dollars } from "./usage-command.ts";

/**
 * Measures what it would cost to embed all of a folder with a model that is on disk.
 * @throws {CairnError} what starting it throws
 */
export function costOnDisk(
  context: CommandContext,
  settings: Settings,
  model: ChosenModel,
  { folder, ...kept }: KeptVectors & { readonly folder: string },
): Promise<EmbeddingCost> {
  return inIndexed(context, settings, folder, (workspace) => {
    context.terminal.progress(`Measuring ${model.name} ...`);
    return costHere(nodeHost({ env: context.env }), model, kept, workspace, context.signal);
  });
}

/**
 * Says what of a folder would be sent to a server, asks unless that was agreed to before, and then asks the server whether
 * it has the model.
 * @param yes the user has agreed beforehand
 * @returns undefined when the user does not agree: then nothing was sent
 * @throws {CairnError} `input` when nobody can be asked; what starting the engine throws
 */
export async function costOnServer(
  context: CommandContext,
  settings: Settings,
  server: EmbeddingServer,
  { folder, cacheDirectory, yes, wanted }: { folder: string; cacheDirectory: string; yes: boolean; wanted: WantedForm },
): Promise<(EmbeddingCost & { readonly fee: EmbeddingFee }) | undefined> {
  const host = nodeHost({ env: context.env });
  const fee = await inIndexed(context, settings, folder, (workspace) => feeOf(host, server, settings, workspace));
  if (!maySend(cacheDirectory, server, fee.folder)) {
    if (!yes && !(await confirmed(context, noticeOf(fee)))) return undefined;
    agreeToSend(cacheDirectory, server, fee.folder);
  }
  const asked = { known: false, signal: context.signal };
  const model = await remoteModel({ host, cacheDirectory, settings }, server, asked);
  return { ...costOf(model, { cacheDirectory, form: formOf(model, wanted) }, fee.folder, fee), fee };
}

/**
 * Keeps the choice for this user's terminals and editors. A terminal has no settings file: it lies in the cache folder.
 * @param chosen undefined for the model in the package
 * @returns where it lies, and what the environment says instead; empty when it says nothing
 */
export function useModel(
  settings: Settings,
  cacheDirectory: string,
  chosen: KeptChoice | undefined,
): { file: string; overruledBy: string } {
  const file = keepChoice(cacheDirectory, chosen);
  return { file, overruledBy: settings["embedding.model"] };
}

/** Does it with a folder that is up to date, by the model in the package: an engine that is to be replaced need not start. */
function inIndexed<Result>(
  context: CommandContext,
  settings: Settings,
  folder: string,
  work: (workspace: Workspace) => Promise<Result>,
): Promise<Result> {
  const whenIndexed = async (workspace: Workspace) => {
    await untilIndexed(context, workspace);
    return work(workspace);
  };
  return withWorkspace(context, folder, whenIndexed, { ...settings, "embedding.model": BUNDLED });
}

function noticeOf({ folder, destination, files, bytes: size, withheld, dollars: price }: EmbeddingFee): string {
  const money = price === undefined ? "what that costs is not known here" : `about ${dollars(price)}`;
  const kept = withheld === 0 ? "" : ` Here that is ${counted(withheld, "file")}.`;
  return `This leaves your machine, now and whenever code here changes:
  the code of ${folder}: ${counted(files, "file")}, ${bytes(size)}; ${money}
  the words of each search and question about it
It goes to:
  ${destination}
Files that match cairn.neverSend (CAIRN_NEVER_SEND) are never sent.${kept}
`;
}
