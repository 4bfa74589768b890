/** A memory that threads share without copying. */
export interface SharedMemory {
  /** A new object after each growth, over the same bytes. */
  readonly buffer: SharedArrayBuffer;
  /** Adds pages of 64 KiB and returns the former number of pages. Threads that grow at once get pages of their own. */
  grow(pages: number): number;
}

/** Compiled code. Threads can post it to each other. */
export interface KernelModule {
  /** Keeps other objects from passing for one. */
  readonly [Symbol.toStringTag]: "WebAssembly.Module";
}

/** The part of WebAssembly that Cairn uses: TypeScript declares it for browsers only, and without shared memory. */
interface WebAssemblyApi {
  Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => SharedMemory;
  Module: new (bytes: Uint8Array) => KernelModule;
  Instance: new (module: KernelModule, imports: { env: { memory: SharedMemory } }) => { readonly exports: unknown };
  validate(bytes: Uint8Array): boolean;
}

export const { Memory, Module, Instance, validate } = (globalThis as unknown as { WebAssembly: WebAssemblyApi })
  .WebAssembly;
