/** Environment variables, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The model that `huggingface` stands for when no other is named. */
const DEFAULT_HUB_MODEL = "all-MiniLM-L6-v2";

/** The model that `openai` stands for when no other is named. */
const DEFAULT_OPENAI_MODEL = "text-embedding-3-small";

/**
 * EMBEDDING_PROVIDER says whose model it is that HF_EMBEDDING_MODEL names: with `bundled`, none of the Hub's.
 * @param problems gets what is wrong with it
 */
export function withEmbeddingProvider(env: Environment, problems: string[]): Environment {
  const { EMBEDDING_PROVIDER: provider, HF_EMBEDDING_MODEL: model } = env;
  switch (provider) {
    case undefined:
    case "":
      return env;
    case "bundled":
      return { ...env, HF_EMBEDDING_MODEL: "bundled" };
    case "huggingface":
      return { ...env, HF_EMBEDDING_MODEL: model || DEFAULT_HUB_MODEL };
    case "openai":
      return {
        ...env,
        HF_EMBEDDING_MODEL: `openai:${env.OPENAI_EMBEDDING_MODEL || DEFAULT_OPENAI_MODEL}`,
        CAIRN_EMBEDDING_ENDPOINT: env.CAIRN_EMBEDDING_ENDPOINT || env.OPENAI_BASE_URL,
      };
    default:
      problems.push(
        `The environment variable EMBEDDING_PROVIDER must be one of bundled, huggingface, openai, not ${JSON.stringify(provider)}. It is ignored.`,
      );
      return env;
  }
}

/** HF_EMBEDDING_DEVICE in the words of other programs that read it: `mps`, `cuda:0`, `gpu`. */
export function withEmbeddingDevice(env: Environment): Environment {
  const [device] = env.HF_EMBEDDING_DEVICE?.trim().toLowerCase().split(":") ?? [];
  const known: Readonly<Record<string, string>> = { mps: "coreml", dml: "directml", gpu: "auto" };
  return device ? { ...env, HF_EMBEDDING_DEVICE: known[device] ?? device } : env;
}
