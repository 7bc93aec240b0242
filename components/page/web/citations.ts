/** What a reply rests on, as it is listed. */
import type { Cited, Consulted, Metadata } from "./api";
import { plural } from "./text";

export interface Source extends Consulted {
  /** The number under which the reply cites it; none where it does not. */
  number: number | null;
  /** What the reply draws on, in bytes of the source. */
  drawn: [number, number][];
}

/** The numbers of what is cited, by its place in the list of what was consulted. */
export function ranks(cited: Cited[]): Map<number, number> {
  const ranks = new Map<number, number>();
  for (const { consulted } of cited) {
    if (!ranks.has(consulted)) ranks.set(consulted, ranks.size + 1);
  }
  return ranks;
}

/** All sources: what is cited first, in the order of the reply, then what was only read. */
export function sources(metadata: Metadata): Source[] {
  const memories = metadata.memories ?? [];
  const consulted: Consulted[] =
    metadata.consulted ??
    memories.map(({ message_id, ...memory }) => ({
      ...memory,
      kind: "memory",
      ...(message_id !== null && { message_id }),
    }));
  const cited = metadata.cited ?? [];
  const numbers = ranks(cited);
  const listed = consulted.map((one, at) => ({
    ...one,
    number: numbers.get(at) ?? null,
    drawn: cited.filter((citation) => citation.consulted === at).map(({ span }) => span),
  }));
  return listed.sort((one, other) => (one.number ?? Infinity) - (other.number ?? Infinity) || 0);
}

/** What the list is called: `2 cited, 3 more read`. */
export function heading(list: Source[]): string {
  const cited = list.filter((source) => source.number !== null).length;
  const read = list.length - cited;
  if (cited > 0) return plural(cited, "source") + (read > 0 ? `, ${read} more read` : "");
  // That it was read says nothing of whether it was of use.
  if (list.some((source) => source.kind === "document")) return `${plural(read, "passage")} read`;
  return `${plural(read, "memory", "memories")} read`;
}
