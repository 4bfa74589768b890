import type { Memento } from "vscode";
import type { DeltaRecord } from "../shared/delta-panel-messages.ts";

/** More would not be looked through. */
const MAX_RECORDS = 200;
const MAX_RECENT = 12;
const RECORDS = "cairn.deltaHistory";
const RECENT = "cairn.deltaRecent";

/** The deltas that were made on this machine, and the models that were used last; kept for all windows. */
export class DeltaHistory {
  readonly #state: Memento;

  constructor(state: Memento) {
    this.#state = state;
  }

  /** Newest first. */
  get records(): readonly DeltaRecord[] {
    return this.#state.get<readonly DeltaRecord[]>(RECORDS, []);
  }

  /** Paths and names of models, the last one used first. */
  get recent(): readonly string[] {
    return this.#state.get<readonly string[]>(RECENT, []);
  }

  record(id: string): DeltaRecord | undefined {
    return this.records.find((record) => record.id === id);
  }

  async add(record: DeltaRecord): Promise<void> {
    await this.#state.update(RECORDS, withRecord(this.records, record));
  }

  async setVerified(id: string, verifiedAt: string): Promise<void> {
    await this.#state.update(
      RECORDS,
      this.records.map((record) => (record.id === id ? { ...record, verifiedAt } : record)),
    );
  }

  async remove(id: string): Promise<void> {
    await this.#keep((record) => record.id !== id);
  }

  /** Forgets deltas that are no more, by their paths. */
  async removeDeltas(deltas: ReadonlySet<string>): Promise<void> {
    await this.#keep(({ delta }) => !deltas.has(delta));
  }

  async use(models: readonly string[]): Promise<void> {
    const others = this.recent.filter((model) => !models.includes(model));
    await this.#state.update(RECENT, [...models, ...others].slice(0, MAX_RECENT));
  }

  async #keep(isKept: (record: DeltaRecord) => boolean): Promise<void> {
    await this.#state.update(RECORDS, this.records.filter(isKept));
  }
}

/** The records with this one as the newest; what lay at the same place is no more. */
export function withRecord(records: readonly DeltaRecord[], record: DeltaRecord): DeltaRecord[] {
  return [record, ...records.filter(({ delta }) => delta !== record.delta)].slice(0, MAX_RECORDS);
}
