/** What a model wants before a question and before a passage. */
export interface Prompts {
  readonly query: string;
  readonly passage: string;
}

const NONE: Prompts = { query: "", passage: "" };
const ASKED_FOR_PASSAGES = "Represent this sentence for searching relevant passages: ";

/** As their makers say how they are to be asked. Of several that fit a name, the first. */
const FAMILIES: readonly (readonly [RegExp, Prompts])[] = [
  [/code-?rank-?embed/, { query: "Represent this query for searching relevant code: ", passage: "" }],
  [/nomic-(?:embed|bert)/, { query: "search_query: ", passage: "search_document: " }],
  [/e5-(?:small|base|large)(?!.*instruct)/, { query: "query: ", passage: "passage: " }],
  [/bge-(?:small|base|large)-en/, { query: ASKED_FOR_PASSAGES, passage: "" }],
  [/mxbai-embed/, { query: ASKED_FOR_PASSAGES, passage: "" }],
  [/arctic-embed.*v2/, { query: "query: ", passage: "" }],
  [/arctic-embed/, { query: ASKED_FOR_PASSAGES, passage: "" }],
  [/embedding-?gemma|gemma-embedding/, { query: "task: search result | query: ", passage: "title: none | text: " }],
  [
    /qwen3-embedding/,
    {
      query: "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:",
      passage: "",
    },
  ],
];

/**
 * The words that a model of a known family wants, told by what it is called; nothing for others.
 * @param names of its file, its folder, its repository, and what it calls itself
 */
export function promptsOf(names: readonly string[]): Prompts {
  const called = names
    .join(" ")
    .toLowerCase()
    .replaceAll(/[\s_]+/g, "-");
  return FAMILIES.find(([family]) => family.test(called))?.[1] ?? NONE;
}
