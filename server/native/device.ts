/** What a model runs on that has only the processor, for people. */
export function onCpu(threads: number): string {
  return `CPU, ${threads === 1 ? "1 thread" : `${threads} threads`}`;
}
