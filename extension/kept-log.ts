import * as vscode from "vscode";
import { redact } from "../shared/redact.ts";

/** So many lines are kept for the diagnostic report. */
const KEPT_LINES = 200;

/** An output channel whose last lines can be read again, which the editor's own cannot. */
export interface KeptLog {
  channel: vscode.LogOutputChannel;
  /** Oldest first. */
  lines: readonly string[];
}

export function keptLog(name: string): KeptLog {
  const lines: string[] = [];
  const keep = (level: string, text: unknown): void => {
    lines.push(`${new Date().toISOString()} ${level} ${text}`);
    if (lines.length > KEPT_LINES) lines.shift();
  };
  const channel = new Proxy(vscode.window.createOutputChannel(name, { log: true }), {
    get(target, key) {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== "function") return member;
      return (...given: unknown[]): unknown => {
        const level = LEVELS[key as string];
        if (level) keep(level, given[0]);
        // Whoever traces the protocol must not find the keys of providers in the log.
        return member.apply(target, key === "trace" ? given.map(withoutSecrets) : given);
      };
    },
  });
  return { channel, lines };
}

function withoutSecrets(text: unknown): unknown {
  return typeof text === "string" ? redact(text, { home: "", user: "" }) : text;
}

/** The methods that write a line, and how the line is called. */
const LEVELS: Readonly<Record<string, string>> = { error: "error", warn: "warn", info: "info", appendLine: "info" };
