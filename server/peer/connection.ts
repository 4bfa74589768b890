import type { Socket } from "node:net";
import {
  createMessageConnection,
  type MessageConnection,
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
