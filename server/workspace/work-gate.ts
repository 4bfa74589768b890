import { type Phrase, phrase } from "../../shared/phrase.ts";

/** While the machine is on its battery and files wait, nothing says that the plug is in: it is looked at so often. */
const LOOK_MS = 30_000;

/**
 * Whether index work may start: not while the user has paused it, nor, when that is wanted, while the machine runs on
 * its battery. Where the power comes from is asked when work is about to start and after each piece of it.
 */
export class WorkGate {
  readonly #onBattery: (() => Promise<boolean>) | undefined;
  readonly #onChange: () => void;
  #pausedByUser = false;
  #battery = false;
  /** The user wants this round done, battery or not. */
  #overruled = false;
  /** Work waits for the answer of the question under way. */
  #unknown = false;
  #looking = false;
  /** The question under way was asked before the work that waits now came: its answer may be out of date. */
  #stale = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param onBattery undefined when the battery does not matter.
   * @param onChange called when the gate has opened or shut by itself.
   */
  constructor(onBattery: (() => Promise<boolean>) | undefined, onChange: () => void) {
    this.#onBattery = onBattery;
    this.#onChange = onChange;
  }

  /** Work may start. */
  get isOpen(): boolean {
    return !this.isPaused && !this.#unknown;
  }

  get isPaused(): boolean {
    return this.#pausedByUser || this.#battery;
  }

  /** Paused, and no question is under way that may end it. */
  get isShut(): boolean {
    return this.#pausedByUser || (this.#battery && !this.#unknown);
  }

  /** Why work is paused, when the user did not ask for it. */
  get message(): Phrase | undefined {
    return this.#battery && !this.#pausedByUser ? phrase("Paused: on battery.") : undefined;
  }

  pause(): void {
    this.#pausedByUser = true;
  }

  /** Lets the work under way go on, on the battery too. */
  resume(): void {
    this.#pausedByUser = false;
    this.#overruled = this.#battery;
    this.#battery = false;
    clearTimeout(this.#timer);
  }

  /** Work is about to start: it waits until it is known where the power comes from. */
  ask(): void {
    if (this.#onBattery === undefined || this.#overruled) return;
    this.#unknown = true;
    this.#stale = this.#looking;
    this.look();
  }

  /** Asks while work goes on. */
  look(): void {
    if (this.#onBattery === undefined || this.#overruled || this.#looking) return;
    this.#looking = true;
    clearTimeout(this.#timer);
    void this.#onBattery().then(
      (battery) => this.#answered(battery),
      () => this.#answered(false),
    );
  }

  /** The work is done: the next is asked about again. */
  finish(): void {
    this.#overruled = false;
  }

  close(): void {
    this.#pausedByUser = true;
    clearTimeout(this.#timer);
  }

  #answered(battery: boolean): void {
    this.#looking = false;
    if (this.#stale && !this.#overruled) {
      this.#stale = false;
      this.look();
      return;
    }
    this.#stale = false;
    this.#unknown = false;
    this.#battery = battery && !this.#overruled;
    if (this.#battery && !this.#pausedByUser) this.#timer = setTimeout(() => this.look(), LOOK_MS).unref();
    this.#onChange();
  }
}
