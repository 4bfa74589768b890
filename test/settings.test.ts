import assert from "node:assert/strict";
import { test } from "node:test";
import { readSettings } from "../shared/read-settings.ts";
import { SETTINGS, type SettingKey } from "../shared/settings.ts";

const defaults = readSettings({}).settings;

test("nothing given means the defaults", () => {
  for (const key of Object.keys(SETTINGS) as SettingKey[]) assert.deepEqual(defaults[key], SETTINGS[key].default, key);
  for (const nothing of [undefined, null, {}])
    assert.deepEqual(readSettings(nothing), { settings: defaults, problems: [] });
});

test("nested and dotted settings are the same", () => {
  const expected = { ...defaults, "index.threads": 2, "index.exclude": ["vendor/**"] };
  for (const raw of [
    { index: { threads: 2, exclude: ["vendor/**"] } },
    { "index.threads": 2, "index.exclude": ["vendor/**"] },
    { "cairn.index.threads": 2, "cairn.index.exclude": ["vendor/**"] },
  ]) {
    assert.deepEqual(readSettings(raw), { settings: expected, problems: [] });
  }
});

test("a setting wins over the environment, the environment over the default", () => {
  const env = { CAIRN_CACHE_DIR: "/from/environment", CAIRN_LOG: "error" };
  assert.equal(readSettings({ cacheDirectory: "/from/setting" }, env).settings.cacheDirectory, "/from/setting");
  assert.equal(readSettings({ cacheDirectory: "" }, env).settings.cacheDirectory, "/from/environment");
  assert.equal(readSettings({}, { CAIRN_CACHE_DIR: "" }).settings.cacheDirectory, "");
  assert.equal(readSettings({}, env).settings["log.level"], "error");
});

test("who answers is set by a setting, else by the environment, else nobody", () => {
  const cases = [
    ["answer.provider", "INFERENCE_PROVIDER", "none", "openai", ["cerebras", "cerebras"], ["local", "local"]],
    ["answer.cerebras.model", "CEREBRAS_MODEL", "", "set", ["gpt-oss-120b", "gpt-oss-120b"]],
    ["answer.cerebras.baseUrl", "CEREBRAS_BASE_URL", "", "http://set", ["http://gateway", "http://gateway"]],
    ["answer.openai.model", "OPENAI_MODEL", "", "set", ["gpt-4o", "gpt-4o"]],
    ["answer.openai.baseUrl", "OPENAI_BASE_URL", "", "http://set", ["http://server/v1", "http://server/v1"]],
    [
      "answer.fallback.enabled",
      "INFERENCE_FALLBACK_ENABLED",
      true,
      false,
      ["false", false],
      ["0", false],
      ["no", false],
    ],
    [
      "answer.fallback.providers",
      "INFERENCE_FALLBACK_PROVIDERS",
      [],
      ["vllm"],
      ["ollama, openai", ["ollama", "openai"]],
    ],
    ["answer.contextTokens", "CAIRN_CONTEXT_TOKENS", 0, 9000, ["32768", 32768]],
    ["answer.prices", "CAIRN_PRICES", [], ["a=1/1"], ["m=0.5/2,n=1/1", ["m=0.5/2", "n=1/1"]]],
    [
      "neverSend",
      "CAIRN_NEVER_SEND",
      SETTINGS.neverSend.default,
      ["x/**"],
      ["*.{pem,key},b/**", ["*.{pem,key}", "b/**"]],
    ],
  ] as const;
  for (const [key, variable, byDefault, set, ...fromEnvironment] of cases) {
    assert.deepEqual(readSettings({}, {}).settings[key], byDefault);
    for (const [text, value] of fromEnvironment) {
      const env = { [variable]: text };
      assert.deepEqual(readSettings({}, env), { settings: { ...defaults, [key]: value }, problems: [] }, text);
      assert.deepEqual(readSettings({ [`cairn.${key}`]: set }, env).settings[key], set, key);
    }
  }
});

test("where a model embeds can be said in the words of other programs", () => {
  for (const [said, device] of [
    [undefined, "auto"],
    ["cpu", "cpu"],
    ["cuda:0", "cuda"],
    ["mps", "coreml"],
    ["GPU", "auto"],
  ] as const) {
    const env = { HF_EMBEDDING_DEVICE: said };
    assert.equal(readSettings({}, env).settings["embedding.device"], device, said);
    assert.equal(readSettings({ embedding: { device: "webgpu" } }, env).settings["embedding.device"], "webgpu");
  }
  assert.match(
    readSettings({}, { HF_EMBEDDING_DEVICE: "abacus" }).problems.join(),
    /HF_EMBEDDING_DEVICE must be one of/,
  );
});

test("which model embeds is set by a setting, else by the environment, else nobody", () => {
  const hub = { EMBEDDING_PROVIDER: "huggingface" };
  for (const [env, model] of [
    [{}, ""],
    [{ HF_EMBEDDING_MODEL: "e5-base-v2" }, "e5-base-v2"],
    [hub, "all-MiniLM-L6-v2"],
    [{ ...hub, HF_EMBEDDING_MODEL: "e5-base-v2" }, "e5-base-v2"],
    [{ EMBEDDING_PROVIDER: "bundled" }, "bundled"],
    [{ EMBEDDING_PROVIDER: "bundled", HF_EMBEDDING_MODEL: "e5-base-v2" }, "bundled"],
    [{ EMBEDDING_PROVIDER: "openai", OPENAI_API_KEY: "k" }, "openai:text-embedding-3-small"],
    [{ EMBEDDING_PROVIDER: "openai", HF_EMBEDDING_MODEL: "e5-base-v2" }, "openai:text-embedding-3-small"],
    [{ EMBEDDING_PROVIDER: "openai", OPENAI_EMBEDDING_MODEL: "own@256" }, "openai:own@256"],
  ] as const) {
    const expected = { settings: { ...defaults, "embedding.model": model }, problems: [] };
    assert.deepEqual(readSettings({}, env), expected, JSON.stringify(env));
    for (const set of ["bundled", "bge-base-en-v1.5:fp32"]) {
      assert.equal(readSettings({ embedding: { model: set } }, env).settings["embedding.model"], set);
    }
  }
  assert.match(
    readSettings({}, { EMBEDDING_PROVIDER: "skynet" }).problems.join(),
    /^The environment variable EMBEDDING_PROVIDER must be one of bundled, huggingface, openai, not "skynet"\. It is ignored\.$/,
  );
});

test("where that model runs is set by a setting, else by the environment, of OpenAI's own names only for its provider", () => {
  const key = "embedding.endpoint";
  const openai = { EMBEDDING_PROVIDER: "openai", OPENAI_BASE_URL: "http://gateway/v1" };
  for (const [env, address] of [
    [{}, ""],
    [{ OPENAI_BASE_URL: "http://gateway/v1" }, ""],
    [openai, "http://gateway/v1"],
    [{ ...openai, CAIRN_EMBEDDING_ENDPOINT: "http://own/v1" }, "http://own/v1"],
  ] as const) {
    assert.equal(readSettings({}, env).settings[key], address);
    assert.equal(readSettings({ [`cairn.${key}`]: "http://set/v1" }, env).settings[key], "http://set/v1");
  }
  assert.equal(SETTINGS[key].scope, "machine");
});

test("whether the model in the package may stand in is set by a setting, else by the environment, else it may", () => {
  const key = "embedding.fallback.enabled";
  assert.equal(readSettings({}, {}).settings[key], true);
  assert.equal(readSettings({}, { EMBEDDING_FALLBACK_ENABLED: "off" }).settings[key], false);
  assert.equal(readSettings({ [key]: false }, { EMBEDDING_FALLBACK_ENABLED: "on" }).settings[key], false);
});

test("a key in the environment chooses nobody, and there is no setting for keys", () => {
  const env = { CEREBRAS_API_KEY: "k", OPENAI_API_KEY: "k", AZURE_OPENAI_API_KEY: "k" };
  assert.deepEqual(readSettings({}, env), { settings: defaults, problems: [] });
  assert.deepEqual(
    Object.keys(SETTINGS).filter((key) => /key|secret|password/i.test(key)),
    [],
  );
});

test("what cannot be used is said, and the default holds", () => {
  const cases: [unknown, string][] = [
    [
      { index: { threads: "two" } },
      'cairn.index.threads must be a whole number from 0 to 64, not "two". The default, 0, is used.',
    ],
    [
      { index: { threads: 65 } },
      "cairn.index.threads must be a whole number from 0 to 64, not 65. The default, 0, is used.",
    ],
    [
      { search: { limit: 2.5 } },
      "cairn.search.limit must be a whole number from 1 to 100, not 2.5. The default, 20, is used.",
    ],
    [
      { answer: { local: { temperature: 2.5 } } },
      "cairn.answer.local.temperature must be a number from 0 to 2, not 2.5. The default, 0.2, is used.",
    ],
    [
      { index: { enabled: "yes" } },
      'cairn.index.enabled must be true or false, not "yes". The default, true, is used.',
    ],
    [
      { index: { exclude: ["a", 1] } },
      'cairn.index.exclude must be a list of texts, not ["a",1]. The default, [], is used.',
    ],
    [
      { log: { level: "loud" } },
      'cairn.log.level must be one of error, warn, info, not "loud". The default, "info", is used.',
    ],
    [{ cacheDirectory: 7 }, 'cairn.cacheDirectory must be a text, not 7. The default, "", is used.'],
    ["all", 'Settings must be an object, not "all". The defaults are used.'],
  ];
  for (const [raw, problem] of cases) assert.deepEqual(readSettings(raw), { settings: defaults, problems: [problem] });
});

test("a wrong environment variable is named", () => {
  assert.deepEqual(readSettings({}, { CAIRN_LOG: "loud" }).problems, [
    'The environment variable CAIRN_LOG must be one of error, warn, info, not "loud". The default, "info", is used.',
  ]);
  for (const [env, problem] of [
    [{ INFERENCE_PROVIDER: "skynet" }, /^The environment variable INFERENCE_PROVIDER must be one of none, cerebras, /],
    [{ INFERENCE_FALLBACK_ENABLED: "maybe" }, /INFERENCE_FALLBACK_ENABLED must be true or false, not "maybe"/],
    [{ CAIRN_CONTEXT_TOKENS: "many" }, /CAIRN_CONTEXT_TOKENS must be a whole number from 0 to 1000000, not "many"/],
  ] as const) {
    assert.match(readSettings({}, env).problems.join(), problem);
  }
});

test("numbers of the environment may be fractions where the setting takes them", () => {
  const { settings, problems } = readSettings({}, { CAIRN_LOCAL_TEMPERATURE: "0.75", CAIRN_LOCAL_SEED: "-1" });
  assert.deepEqual(problems, []);
  assert.equal(settings["answer.local.temperature"], 0.75);
  assert.match(
    readSettings({}, { CAIRN_CONTEXT_TOKENS: "10.5" }).problems.join(),
    /must be a whole number .*, not 10\.5/,
  );
});

test("the editor's excludes count only when they are wanted", () => {
  const excludeGlobs = ["**/out"];
  assert.deepEqual(readSettings({ excludeGlobs }).settings.excludeGlobs, ["**/out"]);
  assert.deepEqual(readSettings({ excludeGlobs, index: { useEditorExcludes: false } }).settings.excludeGlobs, []);
});
