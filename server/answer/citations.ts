import type { RemovalReason } from "../../shared/answer-types.ts";
import type { Source } from "./source.ts";
import { supportingLine } from "./support.ts";

/** A piece of a checked answer, in the order in which it is shown. */
export type CheckedPart =
  | { readonly type: "text"; readonly text: string }
  /** A citation that holds: the source was given, still says it, and has what the sentence speaks of at `line`. */
  | { readonly type: "citation"; readonly number: number; readonly source: Source; readonly line: number }
  | { readonly type: "removed"; readonly number: number; readonly reason: RemovalReason }
  /** The paragraph that ends here has no citation that holds. */
  | { readonly type: "unsupported" };

/**
 * Checks an answer while it streams in. Text passes through at once; a citation is held back, with what follows it, to
 * the end of its sentence only when the sentence so far does not show what it is about.
 */
export class CitationCheck {
  readonly #sources: readonly Source[];
  readonly #isUnchanged: (source: Source) => Promise<boolean>;
  /** Came in and was not looked at yet: what it is depends on what follows. */
  #pending = "";
  #atLineStart = true;
  /** The sign that closes the block of code that is open; empty outside. */
  #codeFence = "";
  #inCode = false;
  #sentence = "";
  #sentenceEnded = false;
  #paragraph = "";
  #citations = 0;
  /** Begins with a citation whose sentence is not over. */
  #held: (CheckedPart | Doubtful)[] = [];

  /** @param sources by their numbers: the first is [1] */
  constructor(sources: readonly Source[], isUnchanged: (source: Source) => Promise<boolean>) {
    this.#sources = sources;
    this.#isUnchanged = isUnchanged;
  }

  /** Takes the next piece of the answer and gives what is certain of it. */
  async push(text: string): Promise<CheckedPart[]> {
    this.#pending += text;
    return this.#read(false);
  }

  /** Gives the rest. */
  async end(): Promise<CheckedPart[]> {
    const parts = await this.#read(true);
    return [...parts, ...(await this.#endParagraph())];
  }

  async #read(isAll: boolean): Promise<CheckedPart[]> {
    const out: CheckedPart[] = [];
    for (;;) {
      const piece = this.#next(isAll);
      if (piece === "") return out;
      this.#pending = this.#pending.slice(piece.length);
      out.push(...(await this.#take(piece)));
    }
  }

  /** The next piece that can be told for what it is, or nothing until more has come. */
  #next(isAll: boolean): string {
    const rest = this.#pending;
    if (rest === "") return "";
    if (this.#codeFence !== "" || (this.#atLineStart && CODE_FENCE.test(rest))) {
      const end = rest.indexOf("\n") + 1;
      if (end > 0) return rest.slice(0, end);
      return isAll ? rest : "";
    }
    if (!isAll && this.#atLineStart && /^ {0,3}(?:`{1,2}|~{1,2})?$/.test(rest)) return "";
    if (rest[0] === "\n") {
      const ahead = /^\n(?:[ \t]*\n)?/.exec(rest)?.[0] ?? "\n";
      return isAll || rest.length >= ahead.length + LOOK_AHEAD ? ahead : "";
    }
    const marker = MARKER.exec(rest);
    if (marker) return marker[0];
    if (!isAll && OPEN_MARKER.test(rest)) return "";
    // The blanks before a citation go with it, so that none is left behind when it is removed.
    return /^(?:[ \t]*[^\s`[]+)+|^[ \t]+|^./su.exec(rest)?.[0] ?? rest;
  }

  async #take(piece: string): Promise<CheckedPart[]> {
    const atLineStart = this.#atLineStart;
    this.#atLineStart = piece.endsWith("\n");
    const fence = CODE_FENCE.exec(piece)?.[1] ?? "";
    if (this.#codeFence !== "") {
      if (fence.startsWith(this.#codeFence) && piece.trim() === fence) this.#codeFence = "";
      return [text(piece)];
    }
    if (atLineStart && fence !== "") {
      this.#codeFence = fence;
      return [...(await this.#endParagraph()), text(piece)];
    }
    if (piece[0] === "\n") return this.#newline(piece);
    if (piece === "`") this.#inCode = !this.#inCode;
    const marker = this.#inCode ? null : MARKER.exec(piece);
    if (marker) return this.#cite(marker[1], marker[2].split(",").map(Number));
    return this.#prose(piece);
  }

  /** A line break ends a paragraph when it is empty or a list, a heading or a block of code begins. */
  async #newline(piece: string): Promise<CheckedPart[]> {
    const isLast = this.#pending === "";
    const begins = piece.length > 1 || isLast || BEGINS_BLOCK.test(this.#pending) || HEADING.test(this.#paragraph);
    if (begins) return [...(await this.#endParagraph()), text(piece)];
    this.#add(" ");
    return this.#pass(text(piece));
  }

  async #prose(piece: string): Promise<CheckedPart[]> {
    const parts: CheckedPart[] = [];
    // A stop ends a sentence when a blank follows and then something other than a citation.
    for (const run of this.#inCode ? [piece] : piece.split(/(?<=[.!?])(?=\s)/)) {
      if (this.#sentenceEnded && /[^\s\])*_.,;:]/.test(run)) {
        const apart = /^\s/.test(run) || /\s$/.test(this.#sentence);
        if (apart) parts.push(...(await this.#endSentence()));
        this.#sentenceEnded = false;
      }
      this.#add(run);
      parts.push(...this.#pass(text(run)));
      if (!this.#inCode && run.trim() !== "") this.#sentenceEnded = SENTENCE_END.test(this.#sentence);
    }
    return parts;
  }

  /** One line of a megabyte is looked at with each of its pieces, so only its ends are kept. */
  #add(run: string): void {
    this.#sentence = ends(this.#sentence + run);
    this.#paragraph = ends(this.#paragraph + run);
  }

  async #cite(blanks: string, numbers: readonly number[]): Promise<CheckedPart[]> {
    const parts: CheckedPart[] = [];
    for (const [i, number] of numbers.entries()) {
      const before = i === 0 ? blanks : "";
      const source = this.#sources[number - 1];
      const early = source && supportingLine(this.#sentence, source) === undefined;
      if (early && !this.#sentenceEnded) this.#held.push({ type: "doubtful", number, blanks: before });
      else for (const part of await this.#judge(number, before)) parts.push(...this.#pass(part));
    }
    return parts;
  }

  /** Says of one citation, with the sentence as far as it is known, whether it holds. */
  async #judge(number: number, blanks: string): Promise<CheckedPart[]> {
    const source = this.#sources[number - 1];
    if (!source) return [{ type: "removed", number, reason: "unknown" }];
    const line = supportingLine(this.#sentence, source);
    if (line === undefined) return [{ type: "removed", number, reason: "elsewhere" }];
    if (!(await this.#isUnchanged(source))) return [{ type: "removed", number, reason: "changed" }];
    this.#citations++;
    return [...(blanks === "" ? [] : [text(blanks)]), { type: "citation", number, source, line }];
  }

  /** Straight on, or behind what is held back. */
  #pass(part: CheckedPart): CheckedPart[] {
    if (this.#held.length === 0) return [part];
    this.#held.push(part);
    return [];
  }

  async #endSentence(): Promise<CheckedPart[]> {
    const parts: CheckedPart[] = [];
    for (const part of this.#held) {
      if (part.type === "doubtful") parts.push(...(await this.#judge(part.number, part.blanks)));
      else parts.push(part);
    }
    this.#held = [];
    this.#sentence = "";
    this.#sentenceEnded = false;
    return parts;
  }

  async #endParagraph(): Promise<CheckedPart[]> {
    const parts = await this.#endSentence();
    const claims = (this.#paragraph.match(/[\p{L}\p{N}]+/gu) ?? []).length >= FEWEST_WORDS;
    const announces = HEADING.test(this.#paragraph) || /:[*_\s]*$/.test(this.#paragraph);
    if (claims && !announces && this.#citations === 0) parts.push({ type: "unsupported" });
    this.#paragraph = "";
    this.#citations = 0;
    this.#inCode = false;
    return parts;
  }
}

interface Doubtful {
  readonly type: "doubtful";
  readonly number: number;
  /** What stood between it and the text before. */
  readonly blanks: string;
}

/** `[2]`, `[1, 3]`, with the blanks before. */
const MARKER = /^([ \t]*)\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/;
/** May become one when more has come. */
const OPEN_MARKER = /^[ \t]*(?:\[[\d,\s]{0,20})?$/;
const CODE_FENCE = /^ {0,3}(`{3,}|~{3,})/;
const SENTENCE_END = /(?<!\b(?:e\.g|i\.e|etc|vs|cf))[.!?][*_)"']*$/;
/** What follows a line break tells whether the paragraph goes on; so many characters are enough to see it. */
const LOOK_AHEAD = 8;
const BEGINS_BLOCK = /^\s*(?:[-*+]\s|\d{1,3}[.)]\s|#{1,6}\s|`{3}|~{3})/;
const HEADING = /^\s*#{1,6}\s/;
/** "Yes." claims nothing that a source could show. */
const FEWEST_WORDS = 3;

/** Of a text so much at its beginning and at its end is kept: more than any sentence that a person would write. */
const LONGEST_END = 2_000;

function ends(text: string): string {
  return text.length <= 2 * LONGEST_END ? text : text.slice(0, LONGEST_END) + text.slice(-LONGEST_END);
}

function text(value: string): CheckedPart {
  return { type: "text", text: value };
}
