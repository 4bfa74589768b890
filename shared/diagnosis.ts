/** One thing that Cairn needs of the machine, and whether it is there. */
export interface Finding {
  name: string;
  /** `warn`: Cairn works, but slower or with less. `fail`: something will not work. */
  state: "ok" | "warn" | "fail";
  /** What was found. */
  detail: string;
  /** What to do; empty when all is well. */
  advice: string;
}
