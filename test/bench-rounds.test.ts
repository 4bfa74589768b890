import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Arm, type Clock, type Limits, measureRounds } from "../server/measure/rounds.ts";

/** A machine whose time passes only when something takes some. */
class Machine implements Clock {
  #steady = 0;
  #wall = 1_000_000;
  steady = () => this.#steady;
  wall = () => this.#wall;

  work(ms: number): undefined {
    this.#steady += ms;
    this.#wall += ms;
  }

  sleep(ms: number): void {
    this.#wall += ms;
  }
}

const LIMITS: Limits = { warmUp: 2, least: 6, most: 100, ms: 10_000, precision: 0.05 };
const never = new AbortController().signal;

describe("rounds", () => {
  it("take all arms in turns, in an order that turns round, and warm up first", async () => {
    const machine = new Machine();
    const order: string[] = [];
    const arm = (name: string): Arm => ({
      run(round) {
        order.push(`${name}${round}`);
        return machine.work(1);
      },
    });
    await measureRounds([arm("a"), arm("b")], { ...LIMITS, most: 2, least: 2 }, machine, never);
    assert.deepEqual(order, ["a-2", "b-2", "b-1", "a-1", "a0", "b0", "b1", "a1"]);
  });

  it("end when every median is known well, and not before", async () => {
    const machine = new Machine();
    const exact: Arm = { run: () => machine.work(5) };
    let round = 0;
    const noisy: Arm = { run: () => machine.work(5 + (round++ % 10)) };
    const alone = await measureRounds([exact], LIMITS, machine, never);
    const both = await measureRounds([exact, noisy], LIMITS, machine, never);
    assert.deepEqual(alone.values, [[5, 5, 5, 5, 5, 5]]);
    assert.ok(both.values[0].length > 30, `${both.values[0].length}`);
    assert.equal(both.values[0].length, both.values[1].length);
  });

  it("end at their limits of number and time", async () => {
    const machine = new Machine();
    let count = 0;
    const noisy: Arm = { run: () => machine.work(count++ % 2 ? 1 : 100) };
    const most = await measureRounds([noisy], { ...LIMITS, most: 20 }, machine, never);
    assert.equal(most.values[0].length, 20);
    const late = await measureRounds([noisy], { ...LIMITS, ms: 500 }, machine, never);
    assert.ok(late.values[0].length >= 5 && late.values[0].length < 20, `${late.values[0].length}`);
  });

  it("keep outliers", async () => {
    const machine = new Machine();
    let round = 0;
    const { values } = await measureRounds(
      [{ run: () => machine.work(++round === 5 ? 900 : 5) }],
      LIMITS,
      machine,
      never,
    );
    assert.ok(values[0].includes(900));
  });

  it("in which the machine slept are thrown away and made up for", async () => {
    const machine = new Machine();
    let round = 0;
    const arm: Arm = {
      run() {
        if (++round === 4) machine.sleep(3_600_000);
        return machine.work(7);
      },
    };
    const { values, disturbed } = await measureRounds([arm], LIMITS, machine, never);
    assert.deepEqual({ values, disturbed }, { values: [[7, 7, 7, 7, 7, 7]], disturbed: 1 });
  });

  it("end when every one of them is disturbed", async () => {
    const machine = new Machine();
    const { values } = await measureRounds([{ run: () => machine.sleep(60_000) as undefined }], LIMITS, machine, never);
    assert.deepEqual(values, [[]]);
  });

  it("that the user ends keep those that are whole", async () => {
    const machine = new Machine();
    const user = new AbortController();
    let round = 0;
    const first: Arm = { run: () => machine.work(1) };
    const second: Arm = {
      run() {
        if (++round === 7) user.abort();
        user.signal.throwIfAborted();
        return machine.work(2);
      },
    };
    const { values, cancelled } = await measureRounds(
      [first, second],
      { ...LIMITS, precision: 0 },
      machine,
      user.signal,
    );
    assert.deepEqual(
      { values, cancelled },
      {
        values: [
          [1, 1, 1, 1],
          [2, 2, 2, 2],
        ],
        cancelled: true,
      },
    );
  });

  it("end with what goes wrong in them", async () => {
    const arm: Arm = { run: () => Promise.reject(new Error("no such model")) };
    await assert.rejects(measureRounds([arm], LIMITS, new Machine(), never), /no such model/);
  });

  it("take what an arm returns for its value", async () => {
    let round = 0;
    const { values } = await measureRounds([{ run: () => 40 + (++round % 2) }], LIMITS, new Machine(), never);
    assert.deepEqual(values[0].slice(0, 2), [41, 40]);
  });
});
