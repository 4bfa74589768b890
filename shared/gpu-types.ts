import type { Phrase } from "./phrase.ts";

/** Which graphics interface llama.cpp was built for. */
export type GpuLibraryName = "vulkan" | "cuda";

/** A package of the registry, known by its hash. */
export interface GpuPackage {
  readonly name: string;
  readonly version: string;
  /** Of the download. */
  readonly bytes: number;
  readonly unpackedBytes: number;
  /** SHA-512 of the download, as npm writes it. */
  readonly integrity: string;
}

/** Libraries that could be downloaded for this machine. */
export interface GpuLibrary {
  readonly name: GpuLibraryName;
  /** What they bring. */
  readonly about: Phrase;
  readonly packages: readonly GpuPackage[];
  /** Why they would not work here; undefined where they should. */
  readonly obstacle?: Phrase;
  readonly onDisk: boolean;
}

/** What this machine computes with, and what it could. */
export interface GpuReport {
  /** Ways to a graphics processor that were found. */
  readonly graphics: readonly string[];
  /** Of those that models in ONNX form can use with what comes with Cairn. */
  readonly onnxDevices: readonly string[];
  /** What model files in GGUF form run on with what comes with Cairn. */
  readonly own: "metal" | "cpu";
  readonly libraries: readonly GpuLibrary[];
  /** The one to get: the best that should work here, unless it is there; undefined for none. */
  readonly best: GpuLibraryName | undefined;
}

/** The same for who may want to get some. */
export interface GpuOffers extends GpuReport {
  /** Where they would come from; empty where that is not known, or there is nothing to get. */
  readonly registry: string;
}

/** Libraries that are there now. */
export interface GottenLibraries {
  readonly name: GpuLibraryName;
  readonly folder: string;
  readonly downloadedBytes: number;
  readonly resumedBytes: number;
}
