import type { FrameLocator } from "./browser.ts";
import type { Workbench } from "./workbench.ts";

/** The page of the chat, or of the other view of Cairn in the side bar while that is on screen. */
export function chat({ page }: Workbench): FrameLocator {
  return page.frameLocator('iframe.webview.ready[src*="extensionId=cairn.cairn"]').frameLocator("iframe#active-frame");
}

/** Brings the chat up by its keys. The search view has an input where the chat has an area to write in. */
export async function showChat(workbench: Workbench): Promise<void> {
  await workbench.press("Control+Shift+Alt+A", chat(workbench).locator("textarea.query:focus"));
}

/** Begins a conversation, which is empty and has the focus once it is there. */
export async function newConversation(workbench: Workbench): Promise<void> {
  await workbench.run("Cairn: New Conversation");
  await chat(workbench).locator(".example").first().waitFor();
  await chat(workbench).locator(".query:focus").waitFor();
}

export async function ask(workbench: Workbench, question: string): Promise<void> {
  await chat(workbench).locator(".query:enabled").fill(question);
  await chat(workbench).locator(".query").press("Enter");
}

/**
 * Asks until what comes of it holds a text: the extension may still have the settings of the time before.
 * @param asking Is called before each time.
 */
export async function askUntil(
  workbench: Workbench,
  question: string,
  text: string,
  asking?: () => void,
): Promise<void> {
  const last = chat(workbench).locator(".exchange:last-child");
  do {
    asking?.();
    await ask(workbench, question);
    await last.locator(':is(.footer, button:text-is("Set API Key"), .consent)').first().waitFor({ timeout: 60_000 });
  } while (!(await last.textContent())?.includes(text));
}

/** Waits for a text in the last exchange. */
export async function answered(workbench: Workbench, text: string): Promise<void> {
  await chat(workbench)
    .locator(`.exchange:last-child:has-text(${JSON.stringify(text)})`)
    .waitFor({ timeout: 60_000 });
}
