import { readdirSync } from "node:fs";
import { bf16, type MadeTensor, safetensors, tuned, weights } from "../delta-fixture.ts";
import type { FrameLocator, Locator } from "./browser.ts";
import type { Workbench } from "./workbench.ts";

/** The workbench's page; no other view of Cairn is on screen in these tests. */
export function panel(workbench: Workbench): FrameLocator {
  return workbench.page
    .frameLocator('iframe.webview.ready[src*="extensionId=cairn.cairn"]')
    .frameLocator("iframe#active-frame");
}

/** Waits for a text anywhere in the page. */
export async function shows(page: FrameLocator, text: string): Promise<void> {
  await page.locator(`main:has-text(${JSON.stringify(text)})`).waitFor({ timeout: 60_000 });
}

/** Types a path into the editor's own file dialog. */
export async function answerDialog(workbench: Workbench, path: string): Promise<void> {
  await (await typeIntoDialog(workbench, path)).press("Enter");
}

/** The same where a folder with folders is asked for: it is chosen once it lists them. */
export async function answerFolderDialog(workbench: Workbench, path: string): Promise<void> {
  await typeIntoDialog(workbench, `${path}/`);
  const [first] = readdirSync(path).sort();
  await workbench.page.locator(`.quick-input-widget .monaco-list-row[aria-label^="${first}"]`).waitFor();
  await workbench.page.locator('.quick-input-widget .monaco-button:has-text("Choose")').click();
}

async function typeIntoDialog({ page }: Workbench, path: string): Promise<Locator> {
  // It begins with a path of its own, and is there once it lists what lies there.
  await page.locator(".quick-input-widget .monaco-list-row").first().waitFor();
  const input = page.locator(".quick-input-widget input.input");
  await input.fill(path);
  return input;
}

/** Answers a question that the editor asks in the middle of its window. */
export async function answerQuestion({ page }: Workbench, answer: string): Promise<void> {
  await page.locator(`.monaco-dialog-box .monaco-button:has-text(${JSON.stringify(answer)})`).click();
}

/** A model with some layers, and what makes fine-tunes and strangers of it. */
export function modelMaker(random: () => number) {
  const layers = ["embed.weight", "layers.0.mlp", "layers.0.frozen", "layers.1.mlp"].map((name, i) => ({
    name,
    values: weights(random, i === 0 ? 600 : 200, 320),
  }));
  const model = (change: (name: string, values: Float32Array) => Float32Array) =>
    safetensors([
      ...layers.map(({ name, values }): MadeTensor => {
        const shape = [values.length / 320, 320];
        return { name, dtype: "BF16", shape, bytes: bf16(change(name, values)) };
      }),
      {
        name: "norm.weight",
        dtype: "BF16",
        shape: [320],
        bytes: bf16(change("norm.weight", layers[0].values.slice(0, 320))),
      },
    ]);
  return {
    embedding: layers[0].values,
    base: () => model((_, values) => values),
    /** Some of its layers are as they were. */
    fine: (change: number) =>
      model((name, values) => (name.includes("frozen") ? values : tuned(random, values, change))),
    stranger: () => model((_, values) => weights(random, values.length / 320, 320)),
  };
}
