/** The holder's process went away; whoever asked asks again, maybe of itself. */
export class PeerLost extends Error {
  constructor() {
    super("the process that indexes this folder has gone");
    this.name = "PeerLost";
  }
}
