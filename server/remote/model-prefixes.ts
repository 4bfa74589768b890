import { type CatalogModel, readCatalog } from "../hub/catalog.ts";

/** What a model was trained to find before a question, and before what is looked through; empty for most. */
export interface Prefixes {
  readonly query: string;
  readonly passage: string;
}

/**
 * The words that a server's model wants before a text, where the catalogue knows it: servers do not add them. They call
 * a model as the Hub does, or by a name of their own: `nomic-embed-text:latest` at Ollama,
 * `text-embedding-nomic-embed-text-v1.5` in LM Studio.
 */
export function prefixesOf(model: string, catalog: readonly CatalogModel[] = readCatalog()): Prefixes {
  const name = model
    .toLowerCase()
    .replace(/:[^/]*$/, "")
    .replace(/^text-embedding-/, "");
  const known = catalog.find(({ id, repository, origin }) => {
    const [own, ...others] = [id, repository, origin].map((one) => one.toLowerCase());
    return own === name || own.replace(/-v[\d.]+$/, "") === name || others.includes(name);
  });
  return { query: known?.queryPrefix ?? "", passage: known?.passagePrefix ?? "" };
}
