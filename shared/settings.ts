/**
 * Every setting of Cairn, once. The editor's settings page (package.json), SETTINGS.md and the checks below come from
 * this table.
 */
export type SettingScope = "machine" | "window" | "resource";

interface SettingOf<Type extends string, Value> {
  readonly type: Type;
  readonly default: Value;
  /** Who may set it: `machine` keeps a cloned repository from setting it for its reader. */
  readonly scope: SettingScope;
  /** Full sentences: what it does, its unit, what follows from it. */
  readonly doc: string;
  /** Name of the environment variable that gives the value when the setting is left at its default; lists with commas. */
  readonly env?: string;
}

export interface NumberSetting extends SettingOf<"number", number> {
  /** From `min` to `max`, both included. */
  readonly min: number;
  readonly max: number;
  /** Whole numbers only, unless this is true. */
  readonly fractional?: boolean;
}

export interface ChoiceSetting extends SettingOf<"choice", string> {
  readonly choices: readonly string[];
}

export type Setting =
  | SettingOf<"boolean", boolean>
  | SettingOf<"string", string>
  | SettingOf<"strings", readonly string[]>
  | NumberSetting
  | ChoiceSetting;

export const SETTINGS = {
  "index.enabled": {
    type: "boolean",
    default: true,
    scope: "resource",
    doc: "Index the folders that are open, in the background. When off, nothing is read and search finds nothing. Example: `false` in the workspace settings of a folder of backups.",
  },
  "index.maxFileSizeKb": {
    type: "number",
    default: 1024,
    min: 1,
    max: 65536,
    scope: "resource",
    doc: "Files larger than this many kilobytes are left out. Raising it makes indexing of such files slow. Example: `4096` also indexes a schema of 3 MB.",
  },
  "index.exclude": {
    type: "strings",
    default: [],
    scope: "resource",
    doc: 'Files and folders to leave out besides those that ignore files name, as globs relative to the opened folder. Example: `["third_party/**", "*.snap"]`.',
  },
  "index.useEditorExcludes": {
    type: "boolean",
    default: true,
    scope: "resource",
    doc: 'Also leave out what the editor\'s own `files.exclude` and `search.exclude` name. Example: with `"search.exclude": { "archive/**": true }` nothing in `archive` is indexed, unless this is off.',
  },
  "index.threads": {
    type: "number",
    default: 0,
    min: 0,
    max: 64,
    scope: "machine",
    doc: "Threads that read, parse and embed while indexing. 0 means half of the processor's cores, but at least two and at most eight. Example: `1` on a machine that is often busy.",
  },
  "index.priority": {
    type: "choice",
    default: "low",
    choices: ["low", "normal"],
    scope: "machine",
    doc: "How indexing competes with other programs for the processor: `low` lets them go first. It holds for the threads that index, never for the one that answers searches. Only Linux can do that for single threads; on macOS and Windows limit `cairn.index.threads` instead.",
  },
  "index.maxMemoryMb": {
    type: "number",
    default: 0,
    min: 0,
    max: 1048576,
    scope: "machine",
    doc: "Megabytes of memory of Cairn's server above which indexing goes on with one thread, which is replaced by a fresh one often: slower, with less memory. It is no hard limit: the index that searches read stays in memory. 0 means no cap.",
  },
  "index.pauseOnBattery": {
    type: "boolean",
    default: false,
    scope: "machine",
    doc: "Index nothing while the computer runs on its battery. Searching goes on; what is not indexed yet is searched by its words. The command to resume indexes once in spite of it.",
  },
  "cache.maxSizeMb": {
    type: "number",
    default: 10000,
    min: 0,
    max: 10000000,
    scope: "machine",
    doc: "Megabytes that all indexes together may have on disk. Above, after indexing, the indexes of folders that no window or terminal has open are deleted, least recently used first, then the oldest embeddings; they are made again when the folder is opened. What is open stays, so it may be more. A terminal deletes nothing by itself. 0 means no cap.",
  },
  "cache.redisUrl": {
    type: "string",
    default: "",
    scope: "machine",
    env: "CAIRN_REDIS_URL",
    doc: "Address of a Redis that a team shares, so that each question is answered and each piece of code is embedded by one of them: `rediss://cairn:PASSWORD@cache.example.com:6379`, better in `CAIRN_REDIS_URL` than in settings, for it may have a password. It gets answers of models with the tokens that they took, for `cairn.answer.keepDays`, and vectors of the model that `cairn.embedding.model` names, for 90 days, both under hashes: no question and no line of code, but an answer may quote the code that it speaks of, and vectors tell something of theirs. Whoever can write there can put words into your answers. Nothing made from files that match `cairn.neverSend`, or from what is piped in, goes there. While it cannot be reached all goes on without it. Empty: none.",
  },
  "search.limit": {
    type: "number",
    default: 20,
    min: 1,
    max: 100,
    scope: "window",
    doc: "How many results the search view shows.",
  },
  "embedding.model": {
    type: "string",
    default: "",
    scope: "machine",
    env: "HF_EMBEDDING_MODEL",
    doc: "The model that compares questions with code by their meaning: one that `cairn models` lists and `cairn models pull` has downloaded, for example `jina-embeddings-v2-base-code`, or with its precision `bge-base-en-v1.5:fp32`; any other of the Hub that was pulled, as `owner/name`; one of your own by its absolute path: a GGUF file such as `~/models/nomic-embed-text-v1.5.Q8_0.gguf`, which runs as `cairn.answer.local.gpu`, `.threads` and `.engineFolder` say, or a folder with a model in ONNX form; or one on a server that speaks OpenAI's protocol, as `PROVIDER:MODEL` (`openai`, `azure`, `ollama`, `lmstudio`, `vllm`, `llama-server`): `openai:text-embedding-3-small`, and `openai:text-embedding-3-small@512` for vectors of 512 numbers. Nothing of a folder is sent to another machine before you have agreed to it for that folder, with Cairn: Choose Embedding Model or `cairn models use`. Its vectors are made in the background, beside those of the model in the package, which serve until the others are complete. `bundled` is the model in the package. Empty: what `EMBEDDING_PROVIDER` says (`bundled`; `huggingface` means `HF_EMBEDDING_MODEL`, or all-MiniLM-L6-v2 when that names none; `openai` means `OPENAI_EMBEDDING_MODEL` there, or text-embedding-3-small), else what `cairn models use` has chosen on this machine, else the model in the package.",
  },
  "embedding.endpoint": {
    type: "string",
    default: "",
    scope: "machine",
    env: "CAIRN_EMBEDDING_ENDPOINT",
    doc: "The address of the server that the model in `cairn.embedding.model` runs on, for example `https://models.example.com/v1`; for Azure `https://NAME.openai.azure.com/openai/v1`. Empty: the usual address of the provider. With `EMBEDDING_PROVIDER=openai` in the environment, `OPENAI_BASE_URL` there says it too.",
  },
  "embedding.device": {
    type: "choice",
    default: "auto",
    choices: ["auto", "cpu", "cuda", "coreml", "directml", "webgpu"],
    scope: "machine",
    env: "HF_EMBEDDING_DEVICE",
    doc: "Where the model that `cairn.embedding.model` names runs. `auto`: on the processor, or on a graphics device that is there if the model gives the same vectors on it, and faster; that is measured when a model is used for the first time, each device in a process of its own. Any other: there if it works, however slow, else on the processor. A device at which the model's process has ended twice in the middle of its work is left alone until Cairn is started again. `cairn doctor` says what was found. CUDA needs libraries of its vendor that are not part of Cairn.",
  },
  "embedding.vectors": {
    type: "choice",
    default: "auto",
    choices: ["auto", "int8", "int8-calibrated", "int4", "binary"],
    scope: "machine",
    env: "CAIRN_EMBEDDING_VECTORS",
    doc: "In how many bits each number of a vector of the model that `cairn.embedding.model` names is kept. `int8`: one byte each, a quarter of what the model gives. `int8-calibrated`: one byte each too, of what is left when the average of each dimension is taken off; that is learned from 500 of your vectors at the first use (in folders of fewer than 100 chunks int8 serves). It finds more with models of which a few dimensions are large in all vectors, as those of E5 are said to be, and no more with others: int8 stays what is usual. `int4`: half of that, in memory and on disk. `binary`: only signs in memory, an eighth of int8, of what is above and below the average, which tell which vectors are worth comparing; the closest are compared by their int8 codes, which lie on disk. Fewer bits are made of what is stored, so nothing is embedded again for them; from int4 there is no way back but embedding, unless the int8 codes are still stored, and calibrated codes are never made of others. `auto`: what `cairn models use` has chosen, else int8. Cairn: Choose Embedding Model offers the forms with what each takes and costs. Vectors of the model in the package are not touched. Takes effect when a folder is opened.",
  },
  "embedding.dimensions": {
    type: "string",
    default: "",
    scope: "machine",
    env: "CAIRN_EMBEDDING_DIMENSIONS",
    doc: "How many dimensions of a vector of the model that `cairn.embedding.model` names are kept, from the first on: a number that the model was trained for (Matryoshka), `all`, or a preset, which stands for the first of its lengths that the model has: `ultra-efficient` (256, 128, 64, 32), `efficient` (384, 256, 128, 64), `high-quality` (768, 512, 256). Of another model, or another length, the first dimensions are no summary of the rest: that is refused, and the model in the package searches, unless `!` stands behind it, as in `256!`. Fewer are made of what is stored, so nothing is embedded again for them. A model on a server can shorten its vectors itself: `openai:text-embedding-3-small@512`. Empty: what `cairn models use` has chosen, else all. Takes effect when a folder is opened.",
  },
  "embedding.fallback.enabled": {
    type: "boolean",
    default: true,
    scope: "machine",
    env: "EMBEDDING_FALLBACK_ENABLED",
    doc: "Search with the model in the package while the one that `cairn.embedding.model` names cannot be used: its vectors are not complete yet, or its engine has failed. When off, searches fail meanwhile and say why.",
  },
  "codeLens.enabled": {
    type: "boolean",
    default: false,
    scope: "window",
    doc: "Show Explain, Find Similar, Write Tests and Document above each function and class. They come from the language extension of the file; the light bulb offers the same without taking room.",
  },
  "answer.provider": {
    type: "choice",
    default: "none",
    choices: [
      "none",
      "cerebras",
      "openai",
      "azure",
      "ollama",
      "lmstudio",
      "vllm",
      "llama-server",
      "llama",
      "local",
      "editor",
    ],
    scope: "machine",
    env: "INFERENCE_PROVIDER",
    doc: "Who writes answers to questions. `none`: nobody, the best passages of the code are quoted and nothing leaves the machine. `cerebras`, `openai` and `azure` send the question and pieces of code to that service. `ollama`, `lmstudio`, `vllm` and `llama-server` are servers at their usual address on this machine. `llama` is the model file that you chose with Cairn: Choose Local LLM, `cairn models use` or `cairn.answer.local.modelPath`, run by Cairn itself; `local` is that file when one is chosen, else whichever of those servers is running. `editor` is a language model that the editor has, such as that of Copilot; there is none in a terminal. Keys come from the command Cairn: Set API Key or from the environment (`CEREBRAS_API_KEY`, `OPENAI_API_KEY`, `AZURE_OPENAI_API_KEY`), never from settings.",
  },
  "answer.cerebras.model": {
    type: "string",
    default: "",
    scope: "machine",
    env: "CEREBRAS_MODEL",
    doc: "The model at Cerebras. Empty: `llama-3.3-70b` where the account offers it, else the first it offers.",
  },
  "answer.cerebras.baseUrl": {
    type: "string",
    default: "",
    scope: "machine",
    env: "CEREBRAS_BASE_URL",
    doc: "Another address of the Cerebras service, for a company's own gateway. Empty: `https://api.cerebras.ai`.",
  },
  "answer.openai.model": {
    type: "string",
    default: "",
    scope: "machine",
    env: "OPENAI_MODEL",
    doc: "The model at OpenAI, at Azure (the name of the deployment) or on the server that speaks its protocol. Empty: the first that a server on this machine offers; OpenAI and Azure need a name.",
  },
  "answer.editor.model": {
    type: "string",
    default: "",
    scope: "machine",
    doc: "Which of the editor's language models answers when `cairn.answer.provider` is `editor`: its vendor, its family or both, as in `copilot`, `gpt-4o` or `copilot/gpt-4o`. Empty means the first that the editor has. The editor may ask you whether Cairn may use it.",
  },
  "answer.local.modelPath": {
    type: "string",
    default: "",
    scope: "machine",
    env: "CAIRN_LOCAL_MODEL",
    doc: "The file of the language model that Cairn runs itself, with the providers `llama` and `local`: an absolute path of a chat or instruct model in GGUF format, for example `~/models/qwen2.5-coder-7b-instruct-q4_k_m.gguf`. Of a model in several files, the first. Empty: what Cairn: Choose Local LLM or `cairn models use` has chosen on this machine, from a list of models that can be downloaded or as a file of your own. It is read when a question is asked, and nothing leaves the machine.",
  },
  "answer.local.engineFolder": {
    type: "string",
    default: "",
    scope: "machine",
    env: "CAIRN_LLAMA_FOLDER",
    doc: "A folder in which `npm install node-llama-cpp@3.21.1` was run: the engine for model files is taken from there. Empty means the one that comes with Cairn, where one does; that one has no CUDA and no Vulkan, which `cairn models gpu` and Cairn: Get GPU Libraries add.",
  },
  "answer.local.gpu": {
    type: "choice",
    default: "auto",
    choices: ["auto", "off"],
    scope: "machine",
    env: "CAIRN_LOCAL_GPU",
    doc: "Whether a model file, for answers or for embedding, runs on the graphics processor. `auto`: on the best that the engine supports and finds (Metal, CUDA, Vulkan), with as many layers as fit, else on the processor. `off`: on the processor.",
  },
  "gpuLibraries.registry": {
    type: "string",
    default: "",
    scope: "machine",
    env: "npm_config_registry",
    doc: "The address of the package registry that libraries for graphics processors are downloaded from, when you ask for them with Cairn: Get GPU Libraries or `cairn models gpu`. Empty: the one that npm uses on this machine, with the mirror of your company if npm has one. Every package is checked against the SHA-512 that Cairn knows of it.",
  },
  "answer.local.threads": {
    type: "number",
    default: 0,
    min: 0,
    max: 256,
    scope: "machine",
    env: "CAIRN_LOCAL_THREADS",
    doc: "Threads that a model file runs on. 0 means one for each physical core but one: they wait for each other all the time, and on a core that another program needs they all stand still. There are never more than the machine has cores.",
  },
  "answer.local.temperature": {
    type: "number",
    default: 0.2,
    min: 0,
    max: 2,
    fractional: true,
    scope: "machine",
    env: "CAIRN_LOCAL_TEMPERATURE",
    doc: "How freely a model file chooses its words. 0 always takes the likeliest, so that the same question gives the same answer; above 1 it rambles.",
  },
  "answer.local.topK": {
    type: "number",
    default: 40,
    min: 0,
    max: 1000,
    scope: "machine",
    env: "CAIRN_LOCAL_TOP_K",
    doc: "How many of the likeliest next words a model file chooses from. 0 means all of them. It has no effect at temperature 0, nor have `topP`, `minP` and `seed`.",
  },
  "answer.local.topP": {
    type: "number",
    default: 0.95,
    min: 0,
    max: 1,
    fractional: true,
    scope: "machine",
    env: "CAIRN_LOCAL_TOP_P",
    doc: "A model file chooses from the likeliest next words that together have this probability. 1 means from all.",
  },
  "answer.local.minP": {
    type: "number",
    default: 0.05,
    min: 0,
    max: 1,
    fractional: true,
    scope: "machine",
    env: "CAIRN_LOCAL_MIN_P",
    doc: "Next words that are less likely than this share of the likeliest are not chosen by a model file. 0 forbids none.",
  },
  "answer.local.repeatPenalty": {
    type: "number",
    default: 1.1,
    min: 1,
    max: 2,
    fractional: true,
    scope: "machine",
    env: "CAIRN_LOCAL_REPEAT_PENALTY",
    doc: "How much a model file avoids the last 64 words it wrote. 1 means not at all; high values make it avoid names that code needs.",
  },
  "answer.local.seed": {
    type: "number",
    default: -1,
    min: -1,
    max: 4294967295,
    scope: "machine",
    env: "CAIRN_LOCAL_SEED",
    doc: "Where the chance starts from that a model file chooses its words with: the same number gives the same answer to the same question. -1 means another one each time.",
  },
  "answer.local.unloadAfterMinutes": {
    type: "number",
    default: 10,
    min: 0,
    max: 1440,
    scope: "machine",
    doc: "Minutes without a question after which a model file is unloaded and its memory is free again. The next question loads it anew. 0 means never, as long as Cairn runs.",
  },
  "answer.openai.baseUrl": {
    type: "string",
    default: "",
    scope: "machine",
    env: "OPENAI_BASE_URL",
    doc: "The address of the server that speaks OpenAI's protocol, for example `http://localhost:11434/v1`; for Azure `https://NAME.openai.azure.com/openai/v1`. It holds for the first such provider. Empty: the usual address of that provider.",
  },
  "answer.fallback.enabled": {
    type: "boolean",
    default: true,
    scope: "machine",
    env: "INFERENCE_FALLBACK_ENABLED",
    doc: "When the provider fails before anything of its answer was shown, ask the next of `cairn.answer.fallback.providers`, and at the end quote the best passages. When off, its error is the answer.",
  },
  "answer.fallback.providers": {
    type: "strings",
    default: [],
    scope: "machine",
    env: "INFERENCE_FALLBACK_PROVIDERS",
    doc: 'Providers to ask after `cairn.answer.provider`, in this order. A key in the environment alone makes no provider one that is asked. Example: `["ollama"]`.',
  },
  "answer.routing.strong": {
    type: "string",
    default: "",
    scope: "machine",
    env: "CAIRN_ROUTING_STRONG",
    doc: "The stronger of two models between which each question is routed, as `PROVIDER/MODEL`, or `PROVIDER` for the model that is set for it: `openai/gpt-4o`. Questions are routed only when this and `cairn.answer.routing.weak` are both set, `cairn.answer.provider` is not `none`, and none was chosen for the question. The other of the two is asked next when one fails.",
  },
  "answer.routing.weak": {
    type: "string",
    default: "",
    scope: "machine",
    env: "CAIRN_ROUTING_WEAK",
    doc: "The weaker, cheaper model, written as in `cairn.answer.routing.strong`: `ollama/qwen2.5-coder:7b`. It gets the questions that it is expected to answer nearly as well. `cairn route explain` tells which of the two a question goes to and why.",
  },
  "answer.routing.quality": {
    type: "number",
    default: 0.85,
    min: 0,
    max: 1,
    fractional: true,
    scope: "machine",
    env: "CAIRN_ROUTING_QUALITY",
    doc: "The least quality that an answer of the weak model may be expected to have, as a share of the strong one's. Below it, the strong model is asked. 1 asks it whenever it is expected to be better at all.",
  },
  "answer.routing.costPriority": {
    type: "number",
    default: 0.5,
    min: 0,
    max: 1,
    fractional: true,
    scope: "machine",
    env: "CAIRN_ROUTING_COST_PRIORITY",
    doc: "How much lower cost counts against quality. At 0.5 the weak model may lose what `cairn.answer.routing.quality` leaves it, at 0 nothing, at 1 twice as much.",
  },
  "answer.routing.latency": {
    type: "choice",
    default: "any",
    choices: ["any", "fast"],
    scope: "machine",
    env: "CAIRN_ROUTING_LATENCY",
    doc: "`fast`: the weak model may lose half as much again where its first word came sooner than the strong one's, by the median of the answers on record. `any`: time does not count.",
  },
  "answer.routing.rolloutPercent": {
    type: "number",
    default: 100,
    min: 0,
    max: 100,
    scope: "machine",
    env: "CAIRN_ROUTING_ROLLOUT_PERCENT",
    doc: "Percentage of conversations whose questions are routed; the others always go to the strong model. Which ones follows from their first question, so that a conversation stays on its side. `cairn route report` sets the two beside each other.",
  },
  "answer.routing.parameters": {
    type: "string",
    default: "",
    scope: "machine",
    env: "CAIRN_ROUTING_PARAMETERS",
    doc: "Absolute path of parameters that `npm run train:routing` made of labelled questions of your own. Empty means those that come with Cairn, which were learned from examination questions: most questions about code are unlike those, and go to the strong model.",
  },
  "answer.contextTokens": {
    type: "number",
    default: 0,
    min: 0,
    max: 1000000,
    scope: "machine",
    env: "CAIRN_CONTEXT_TOKENS",
    doc: "Tokens that a question with its sources and its answer may take together. 0 means what is safe for the provider: 8,192, or fewer when a model file was trained on fewer or the memory holds no more, and 4,096 for servers on this machine, whose window is not known. More finds more and costs more.",
  },
  "answer.maxOutputTokens": {
    type: "number",
    default: 1024,
    min: 16,
    max: 100000,
    scope: "machine",
    doc: "Tokens that an answer may have. Some services count them against the limit per minute before they are written.",
  },
  "answer.keepDays": {
    type: "number",
    default: 7,
    min: 0,
    max: 365,
    scope: "machine",
    env: "CAIRN_ANSWER_KEEP_DAYS",
    doc: "Days that an answer of a model is kept in the cache folder, on this machine only. The same first question of a conversation gets it at once and without cost, as long as the provider, its options and every source are the same; its citations are checked anew, and its footer says from when it is. Regenerate, or `cairn ask --no-cache`, asks the model again. A thousand answers are kept at most; Cairn: Delete All Data deletes all of them. 0 keeps none.",
  },
  "answer.connectTimeoutMs": {
    type: "number",
    default: 0,
    min: 0,
    max: 600000,
    scope: "machine",
    doc: "Milliseconds until a provider must have taken a request. 0 means 10,000, and 120,000 for servers and model files on this machine: the model may have to be loaded first.",
  },
  "answer.firstTokenTimeoutMs": {
    type: "number",
    default: 0,
    min: 0,
    max: 600000,
    scope: "machine",
    doc: "Milliseconds from there to the first word of the answer. 0 means 20,000, and 120,000 for servers and model files on this machine, counted anew whenever a model file has read a part of the question.",
  },
  "answer.nextTokenTimeoutMs": {
    type: "number",
    default: 0,
    min: 0,
    max: 600000,
    scope: "machine",
    doc: "Milliseconds without anything new after which an answer counts as stalled. 0 means 10,000, and 30,000 for servers and model files on this machine.",
  },
  "answer.prices": {
    type: "strings",
    default: [],
    scope: "machine",
    env: "CAIRN_PRICES",
    doc: 'What models cost, in US dollars per million tokens of input and of output, so that answers can say what they cost: `["gpt-4o=2.5/10"]`; of an embedding model one price: `["text-embedding-3-small=0.02"]`. They stand above the prices that come with Cairn (`models/prices.json`), which are dated, for they change and differ by contract. What nobody has named a price for is said to be unknown.',
  },
  "usage.record": {
    type: "boolean",
    default: true,
    scope: "machine",
    env: "CAIRN_USAGE_RECORD",
    doc: "Keep a record of answers in the cache folder, on this machine only: provider, model, tokens, times and how it ended; no question, no code and no path. `cairn usage` and the benchmark's costs are counted from it. Months older than a year are deleted; Cairn: Delete All Data deletes all of it.",
  },
  neverSend: {
    type: "strings",
    default: [
      "**/.env*",
      "**/*.{pem,key,p12,pfx,jks,keystore,kdbx,crt,cer,der,ppk,asc,gpg}",
      "**/id_{rsa,dsa,ecdsa,ed25519}*",
      "**/.{npmrc,pypirc,netrc,pgpass,htpasswd,git-credentials}",
      "**/{credentials,secrets}{,.*}",
      "**/.{ssh,aws,gnupg,kube,docker}/**",
    ],
    scope: "machine",
    env: "CAIRN_NEVER_SEND",
    doc: "Files of which nothing is ever sent to another machine, as globs relative to the opened folder. They stay searchable and are quoted in answers that are made here. A list of your own takes the place of this one.",
  },
  "delta.watchDownloads": {
    type: "boolean",
    default: false,
    scope: "machine",
    doc: "Look at each model or dataset that is downloaded into the Hub's cache while an editor is open, by whatever program: when it was made from another one there and a delta would save at least 60 % of a model or 70 % of a dataset, the editor says so and offers to make it. Nothing is written or removed before you ask for it.",
  },
  cacheDirectory: {
    type: "string",
    default: "",
    scope: "machine",
    env: "CAIRN_CACHE_DIR",
    doc: "Absolute path of the folder that holds the indexes, for example `/data/cairn` or `D:\\cairn`. Empty means the platform's cache folder. A local disk is much faster than a network one.",
  },
  "log.level": {
    type: "choice",
    default: "info",
    choices: ["error", "warn", "info"],
    scope: "window",
    env: "CAIRN_LOG",
    doc: "The least important message that is still written to Cairn's log. Example: `error` keeps it nearly empty.",
  },
} as const satisfies Readonly<Record<string, Setting>>;

type Table = typeof SETTINGS;
type ValueOf<S> = S extends { type: "boolean" }
  ? boolean
  : S extends { type: "number" }
    ? number
    : S extends { type: "strings" }
      ? readonly string[]
      : S extends { choices: readonly (infer Choice)[] }
        ? Choice
        : string;

export type SettingKey = keyof Table;

/** The value of every setting, and what the shells add. */
export type Settings = { readonly [Key in SettingKey]: ValueOf<Table[Key]> } & {
  /** The editor's own exclude globs, relative to the opened folder; empty when `index.useEditorExcludes` is off. */
  readonly excludeGlobs: readonly string[];
};
