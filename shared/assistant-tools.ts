import { CHUNK_KINDS } from "./search-types.ts";

/**
 * The tools that Cairn offers to coding assistants, once: the MCP server lists them, the editor's manifest is generated
 * from them, and the server that runs them checks what it is given against them.
 */
export interface AssistantTool {
  /** For people. */
  readonly title: string;
  /** For the model: when to use it and what comes back. */
  readonly description: string;
  /** JSON Schema of what it takes. */
  readonly inputSchema: {
    readonly type: "object";
    readonly properties: Readonly<Record<string, AssistantProperty>>;
    readonly required?: string[];
    readonly additionalProperties: false;
  };
  /** How the editor's own assistants, and the people who use them, call it. */
  readonly inEditor: { readonly name: string; readonly reference: string; readonly userDescription: string };
}

export type AssistantProperty =
  | { readonly type: "string"; readonly description: string }
  | { readonly type: "integer"; readonly minimum: number; readonly maximum: number; readonly description: string }
  | {
      readonly type: "array";
      readonly items: { readonly type: "string"; readonly enum?: readonly string[] };
      readonly description: string;
    };

const NARROWING = {
  paths: {
    type: "array",
    items: { type: "string" },
    description: "Only files that match one of these: a folder (src/net) or a glob (*.test.ts); ! in front leaves out.",
  },
  languages: {
    type: "array",
    items: { type: "string" },
    description: "Only these languages (typescript, python, go ...).",
  },
  kinds: {
    type: "array",
    items: { type: "string", enum: CHUNK_KINDS },
    description: "Only these kinds of code.",
  },
  limit: { type: "integer", minimum: 1, maximum: 100, description: "How many hits at the most; 10 unless given." },
} as const satisfies Record<string, AssistantProperty>;

const SIZE = {
  max_tokens: {
    type: "integer",
    minimum: 100,
    maximum: 50_000,
    description: "How long the answer may be, in tokens of about four characters; 4000 unless given.",
  },
} as const satisfies Record<string, AssistantProperty>;

const FOLDER = {
  folder: {
    type: "string",
    description: "One of several folders, by the name that stands in brackets before a path. Not needed for one.",
  },
} as const satisfies Record<string, AssistantProperty>;

export const ASSISTANT_TOOLS = {
  search: {
    title: "Search Code by Meaning",
    description:
      "Finds code and documents of the workspace by meaning, by name and by words. Ask a question (where are retries " +
      "handled?), name a symbol (parseArguments) or give words. Answers with the best places, each as " +
      "path:start-end, the symbol, why it is there, and its code. Prefer it to grep when the exact text is not known.",
    inputSchema: {
      type: "object",
      properties: {
        query: { type: "string", description: "The question, the name or the words." },
        ...NARROWING,
        ...SIZE,
        ...FOLDER,
      },
      required: ["query"],
      additionalProperties: false,
    },
    inEditor: {
      name: "cairn_search",
      reference: "cairnSearch",
      userDescription: "Finds code of the open folders by meaning, on this machine.",
    },
  },
  find_similar: {
    title: "Find Similar Code",
    description:
      "Finds code of the workspace that does what other code does: duplicates, variants, other callers of the same " +
      "pattern. Give the code itself, or the path and a line of a function or class. Answers as search does; the place " +
      "asked about is left out.",
    inputSchema: {
      type: "object",
      properties: {
        code: { type: "string", description: "The code to compare with. Not needed with path and line." },
        path: { type: "string", description: "The file the code is in, relative to the folder." },
        line: {
          type: "integer",
          minimum: 1,
          maximum: 10_000_000,
          description: "A line of the function or class, or the first line with end_line.",
        },
        end_line: { type: "integer", minimum: 1, maximum: 10_000_000, description: "The last line." },
        ...NARROWING,
        ...SIZE,
        ...FOLDER,
      },
      additionalProperties: false,
    },
    inEditor: {
      name: "cairn_findSimilar",
      reference: "cairnSimilar",
      userDescription: "Finds code of the open folders that is like given code, on this machine.",
    },
  },
  read_context: {
    title: "Read Code Around a Line",
    description:
      "Reads the whole function, class or section around a line of a file, with line numbers; or so many lines around " +
      "it. Reads only files that are in the index: not ignored ones, and none outside the folder.",
    inputSchema: {
      type: "object",
      properties: {
        path: { type: "string", description: "The file, relative to the folder." },
        line: { type: "integer", minimum: 1, maximum: 10_000_000, description: "The line, counted from 1." },
        lines: {
          type: "integer",
          minimum: 1,
          maximum: 10_000,
          description: "Instead of the whole symbol, this many lines with the line in the middle.",
        },
        ...SIZE,
        ...FOLDER,
      },
      required: ["path", "line"],
      additionalProperties: false,
    },
    inEditor: {
      name: "cairn_readContext",
      reference: "cairnRead",
      userDescription: "Reads the whole function, class or section around a line of an indexed file.",
    },
  },
  ask: {
    title: "Ask About the Code",
    description:
      "Answers a question about the workspace's code in one go: searches, reads and sums up, with the places that show it " +
      "as [path:line]. The language model that the user has set for Cairn writes it; without one, the passages that say " +
      "most are quoted. Use search instead when you want to read the code yourself.",
    inputSchema: {
      type: "object",
      properties: {
        question: { type: "string", description: "The question, as a sentence." },
        paths: NARROWING.paths,
        languages: NARROWING.languages,
        ...SIZE,
        ...FOLDER,
      },
      required: ["question"],
      additionalProperties: false,
    },
    inEditor: {
      name: "cairn_ask",
      reference: "cairnAsk",
      userDescription: "Answers a question about the open folders' code, with citations.",
    },
  },
  index_status: {
    title: "Index Status",
    description: "Tells which folders are indexed, how much of them, what is left out, and whether indexing goes on.",
    inputSchema: { type: "object", properties: { ...FOLDER }, additionalProperties: false },
    inEditor: {
      name: "cairn_indexStatus",
      reference: "cairnStatus",
      userDescription: "Tells how much of the open folders is indexed, and what is left out.",
    },
  },
} as const satisfies Readonly<Record<string, AssistantTool>>;

export type AssistantToolName = keyof typeof ASSISTANT_TOOLS;

/** What a client of the language server asks on behalf of an assistant. */
export interface AssistRequest {
  tool: AssistantToolName;
  /** As the tool's schema says; checked by the server. */
  input: unknown;
}

/** The value of `contributes.languageModelTools` in package.json. */
export function languageModelTools(): object[] {
  return Object.values<AssistantTool>(ASSISTANT_TOOLS).map(({ title, description, inputSchema, inEditor }) => ({
    name: inEditor.name,
    displayName: title,
    toolReferenceName: inEditor.reference,
    canBeReferencedInPrompt: true,
    icon: "$(search)",
    modelDescription: description,
    userDescription: inEditor.userDescription,
    tags: ["code", "search"],
    inputSchema,
  }));
}
