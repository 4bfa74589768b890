/**
 * The strings of a source that a translation can replace: the first argument of each call of `l10n.t` and `phrase`.
 * @throws Error when one is not a plain string, since no translation could be found for it.
 */
export function translatableStrings(source: string): string[] {
  const calls = [...source.matchAll(/(?<!function )\b(?:l10n\.t|phrase)\(/g)];
  return calls.map(({ index }) => {
    const argument = source.slice(index).replace(/^[\w.]+\(\s*/, "");
    const [, double, single] = /^(?:("(?:[^"\\\n]|\\.)*")|'([^'\\\n]*)')\s*[,)]/.exec(argument) ?? [];
    if (double !== undefined) return JSON.parse(double) as string;
    if (single !== undefined) return single;
    throw new Error(`A text to translate must be a plain string: ${source.slice(index, index + 80)}`);
  });
}

/** The file that translators start from: each string under itself. */
export function translationTemplate(sources: readonly string[]): Record<string, string> {
  const strings = new Set(sources.flatMap(translatableStrings).filter(Boolean));
  return Object.fromEntries([...strings].sort().map((string) => [string, string]));
}
