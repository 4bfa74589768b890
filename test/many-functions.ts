const VERBS = "read write open close parse find sort merge send load store check".split(" ");
const NOUNS = "file cache socket token index query chunk vector model thread".split(" ");
const WHICH = ["all", "next", "last", "local", "remote"];

/** Six hundred functions that say what they do, each in a file of its own, by their paths. */
export const MANY_FUNCTIONS: Readonly<Record<string, string>> = Object.fromEntries(
  VERBS.flatMap((verb) =>
    NOUNS.flatMap((noun) =>
      WHICH.map((which) => {
        const name = `${verb}${capital(which)}${capital(noun)}`;
        const text = `/** Tries to ${verb} the ${which} ${noun} of the user. */\nexport function ${name}() {\n  return "${which} ${noun}";\n}\n`;
        return [`src/${verb}/${which}-${noun}.ts`, text];
      }),
    ),
  ),
);

function capital(word: string): string {
  return `${word[0].toUpperCase()}${word.slice(1)}`;
}
