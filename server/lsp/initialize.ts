import { InitializeRequest, Message, type MessageStrategy, type RequestMessage } from "vscode-languageserver/node";

/**
 * Takes a client that does not say in `initialize` what it can do for one that can do nothing special; the library fails
 * on it before it asks the server. A request without params, or with some that are no object, it refuses with -32602.
 */
export const withCapabilities: MessageStrategy = {
  handleMessage(message, next) {
    if (!Message.isRequest(message) || message.method !== InitializeRequest.method) return next(message);
    const completed: RequestMessage = { ...message, params: complete(message.params) };
    return next(completed);
  },
};

function complete(params: unknown): object | undefined {
  if (!isObject(params)) return undefined;
  return { ...params, capabilities: isObject(params.capabilities) ? params.capabilities : {} };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
