import type { Socket } from "node:net";
import {
  createMessageConnection,
  type MessageConnection,
  type NotificationType,
  type RequestParam,
  SocketMessageReader,
  SocketMessageWriter,
} from "vscode-jsonrpc/node";

/** A connection over a socket, not listening yet. */
export function connectionOver(socket: Socket): MessageConnection {
  const reader = new SocketMessageReader(socket);
  // Where the other end dies within a message, the reader's timer would go on for ever and keep the process alive.
  reader.partialMessageTimeout = 0;
  return createMessageConnection(reader, new SocketMessageWriter(socket));
}

/**
 * Tells the other end something for which it gives no answer. What cannot be told any more is lost with the connection:
 * an ended one throws at once, and one that ends meanwhile rejects.
 */
export async function tell<P>(
  connection: MessageConnection,
  type: NotificationType<P>,
  message: RequestParam<P>,
): Promise<void> {
  try {
    await connection.sendNotification(type, message);
  } catch {
    // Whoever is next is told all that still matters.
  }
}
