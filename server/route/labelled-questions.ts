import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/** A question, and whether two models answered it right. */
export interface LabelledQuestion {
  readonly text: string;
  /** What it is about: the name of its file. */
  readonly subject: string;
  /** 1 for right, 0 for wrong, or anything between. */
  readonly weak: number;
  readonly strong: number;
}

/**
 * Reads every .csv file of a folder, in the order of their names: a header, then a question a row with three cells: its
 * text, how well the weak model answered it and how well the strong one did (True, False, or a number from 0 to 1).
 * @throws {CairnError} `input` that names the file and row
 */
export function labelledQuestions(folder: string): LabelledQuestion[] {
  const questions = csvFiles(folder).flatMap((name) => {
    const [, ...rows] = cellsOf(readFileSync(join(folder, name), "utf8"));
    return rows.map((cells, row) => {
      const [text, weak, strong] = [cells[0], scoreOf(cells[1]), scoreOf(cells[2])];
      if (cells.length === 3 && text && weak !== undefined && strong !== undefined) {
        return { text, subject: name.slice(0, -".csv".length), weak, strong };
      }
      throw new CairnError(
        "input",
        phrase("{0}: row {1} is no labelled question.", join(folder, name), row + 2),
        phrase("A row has three cells: the question, and how well the weak and the strong model answered it (0 to 1)."),
      );
    });
  });
  if (questions.length > 0) return questions;
  throw new CairnError("input", phrase("{0} holds no .csv file with labelled questions.", folder));
}

function csvFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".csv"))
      .sort();
  } catch (error) {
    throw new CairnError(
      "input",
      phrase("{0} cannot be read ({1}).", folder, (error as NodeJS.ErrnoException).code ?? ""),
    );
  }
}

function scoreOf(cell: string | undefined): number | undefined {
  const said = cell?.trim().toLowerCase();
  if (said === "true") return 1;
  if (said === "false") return 0;
  const score = said ? Number(said) : Number.NaN;
  return score >= 0 && score <= 1 ? score : undefined;
}

/** The cells of each row: quoted ones may hold commas, line ends and doubled quotes (RFC 4180). */
function cellsOf(csv: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  }
  return rows;
}
