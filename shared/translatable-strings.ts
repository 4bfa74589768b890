/**
 * The strings of a source that a translation can replace: the first argument of each `l10n.t(...)`.
 * @throws Error when one is not a plain string, since no translation could be found for it.
 */
export function translatableStrings(source: string): string[] {
  const calls = [...source.matchAll(/\bl10n\.t\(/g)];
  return calls.map(({ index }) => {
    const literal = /^l10n\.t\(\s*("(?:[^"\\\n]|\\.)*")\s*[,)]/.exec(source.slice(index))?.[1];
    if (literal) return JSON.parse(literal) as string;
    throw new Error(`l10n.t needs a plain string in double quotes: ${source.slice(index, index + 80)}`);
  });
}

/** The file that translators start from: each string under itself. */
export function translationTemplate(sources: readonly string[]): Record<string, string> {
  const strings = new Set(sources.flatMap(translatableStrings));
  return Object.fromEntries([...strings].sort().map((string) => [string, string]));
}
