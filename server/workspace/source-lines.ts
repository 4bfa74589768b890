/**
 * A text with the places where its lines begin. Lines count from 1 and end at `\n`, `\r\n` or a lone `\r`, as editors
 * and LSP count them, except that a final line break opens no further line.
 */
export class SourceLines {
  readonly text: string;
  /** Number of lines; 0 for an empty text. */
  readonly count: number;
  /** `starts[i]` is the index of the first character of line i; `starts[count + 1]` is the text's length. */
  private readonly starts: Uint32Array;

  constructor(text: string) {
    this.text = text;
    let capacity = 64 + (text.length >> 4);
    let starts = new Uint32Array(capacity);
    let lines = text.length > 0 ? 1 : 0;
    for (let next = nextLineStart(text, 0); next !== -1 && next < text.length; next = nextLineStart(text, next)) {
      lines++;
      if (lines + 1 >= capacity) {
        capacity *= 2;
        const grown = new Uint32Array(capacity);
        grown.set(starts);
        starts = grown;
      }
      starts[lines] = next;
    }
    starts[lines + 1] = text.length;
    this.starts = starts;
    this.count = lines;
  }

  /** Index of a line's first character. */
  start(line: number): number {
    return this.starts[line];
  }

  /** Index after a line's last character, its line break left out. */
  end(line: number): number {
    let end = this.starts[line + 1];
    if (end > this.starts[line] && this.text.charCodeAt(end - 1) === LF) end--;
    if (end > this.starts[line] && this.text.charCodeAt(end - 1) === CR) end--;
    return end;
  }

  /** The line that holds the character at `index`. */
  lineAt(index: number): number {
    let low = 1;
    let high = this.count;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.starts[middle] <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The text of lines `first..last`, without the last line break. */
  slice(first: number, last: number): string {
    return this.text.slice(this.starts[first], this.end(last));
  }

  /** Characters (UTF-16 units) of lines `first..last`, inner line breaks included. */
  size(first: number, last: number): number {
    return last < first ? 0 : this.end(last) - this.starts[first];
  }

  /** True when the line holds white space alone. */
  isBlank(line: number): boolean {
    return this.indexOfCode(line) === -1;
  }

  /** True when nothing but white space stands before `index` on its line. */
  isFirstOnLine(index: number, line: number): boolean {
    return this.indexOfCode(line) === index;
  }

  /** Index of the first character of a line that is not white space, or -1. */
  private indexOfCode(line: number): number {
    const end = this.starts[line + 1];
    for (let i = this.starts[line]; i < end; i++) if (!isSpace(this.text.charCodeAt(i))) return i;
    return -1;
  }
}

const LF = 10;
const CR = 13;

/** Index after the next line break, or -1. */
function nextLineStart(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === LF) return i + 1;
    if (code === CR) return text.charCodeAt(i + 1) === LF ? i + 2 : i + 1;
  }
  return -1;
}

/** White space as `\s` has it. */
export function isSpace(code: number): boolean {
  if (code < 128) return code === 32 || (code >= 9 && code <= 13);
  return (
    code === 0xa0 ||
    code === 0xfeff ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}
