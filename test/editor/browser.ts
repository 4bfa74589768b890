/** The part of playwright-core that the editor tests use; the package itself lies in `.cache/editor`. */
export interface Locator {
  and(other: Locator): Locator;
  locator(selector: string): Locator;
  first(): Locator;
  last(): Locator;
  nth(index: number): Locator;
  count(): Promise<number>;
  click(options?: { button?: "left" | "right"; clickCount?: number; timeout?: number }): Promise<void>;
  dblclick(): Promise<void>;
  hover(): Promise<void>;
  focus(): Promise<void>;
  check(): Promise<void>;
  uncheck(): Promise<void>;
  fill(text: string, options?: { timeout?: number }): Promise<void>;
  press(key: string): Promise<void>;
  waitFor(options?: { state?: "attached" | "detached" | "visible" | "hidden"; timeout?: number }): Promise<void>;
  isVisible(): Promise<boolean>;
  textContent(): Promise<string>;
  allInnerTexts(): Promise<string[]>;
  inputValue(): Promise<string>;
  getAttribute(name: string): Promise<string | null>;
  boundingBox(): Promise<{ x: number; y: number; width: number; height: number } | null>;
  evaluate<Result, Argument>(
    work: (element: HTMLElement, argument: Argument) => Result,
    argument?: Argument,
  ): Promise<Result>;
  screenshot(options: { path: string }): Promise<unknown>;
}

export interface FrameLocator {
  locator(selector: string): Locator;
  frameLocator(selector: string): FrameLocator;
}

export interface Page {
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  readonly mouse: {
    move(x: number, y: number, options?: { steps?: number }): Promise<void>;
    down(): Promise<void>;
    up(): Promise<void>;
  };
  goto(url: string): Promise<unknown>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  locator(selector: string): Locator;
  frameLocator(selector: string): FrameLocator;
  addInitScript(script: () => void): Promise<unknown>;
  evaluate<Result>(work: () => Result): Promise<Result>;
  screenshot(options: { path: string }): Promise<unknown>;
}

export interface Browser {
  newPage(options: { viewport: { width: number; height: number }; permissions?: readonly string[] }): Promise<Page>;
  close(): Promise<void>;
}

export interface Playwright {
  chromium: { launch(options: { executablePath: string; args: readonly string[] }): Promise<Browser> };
}
