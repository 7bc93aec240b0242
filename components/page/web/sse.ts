/** One event of a stream: its name, and its data as JSON. */
export interface StreamEvent {
  name: string;
  data: unknown;
}

/**
 * Takes the events out of a stream of text that comes in pieces of any size. Comments, which keep
 * the connection alive, are left out.
 */
export class EventReader {
  private rest = "";

  /** The events that are complete with this piece. */
  push(piece: string): StreamEvent[] {
    this.rest += piece;
    const events: StreamEvent[] = [];
    // The server ends its lines with `\n`.
    for (let end = this.rest.indexOf("\n\n"); end >= 0; end = this.rest.indexOf("\n\n")) {
      const event = parse(this.rest.slice(0, end));
      this.rest = this.rest.slice(end + 2);
      if (event) events.push(event);
    }
    return events;
  }
}

function parse(block: string): StreamEvent | null {
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (line.startsWith("event:")) name = value;
    if (line.startsWith("data:")) data.push(value);
  }
  return data.length ? { name, data: JSON.parse(data.join("\n")) } : null;
}
