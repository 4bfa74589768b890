/** How a line of this file is shown: in a notebook as the code it holds, which the file has as a string of JSON. */
export function lineReaderOf(path: string): (line: string) => string {
  return path.toLowerCase().endsWith(".ipynb") ? notebookLine : (line) => line;
}

/** A line that holds one string of a cell's source, or the first or last of them, and nothing else. */
const SOURCE_LINE = /^\s*(?:"(?:source|input)"\s*:\s*)?\[?\s*("(?:[^"\\]|\\.)*")\s*\]?,?\s*$/;

/** The line without its quotes, escapes and end; as it is when it is no string, or one of several lines of code. */
function notebookLine(line: string): string {
  const quoted = SOURCE_LINE.exec(line)?.[1];
  if (quoted === undefined) return line;
  try {
    const code = (JSON.parse(quoted) as string).replace(/\r?\n$/, "");
    return /[\r\n]/.test(code) ? line : code;
  } catch {
    return line;
  }
}
