const DAY = 86_400_000;

/** The day of a moment, in the reader's own time zone and words: `12 March 2026`. */
export function day(timestamp: string, now = new Date()): string {
  const at = new Date(timestamp);
  const year = at.getFullYear() === now.getFullYear() ? undefined : ("numeric" as const);
  return at.toLocaleDateString(undefined, { day: "numeric", month: "long", year });
}

/** When something was said, as one would tell it: `today at 14:02`, `on 12 March`. */
export function said(timestamp: string, now = new Date()): string {
  const at = new Date(timestamp);
  const time = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  const start = (date: Date) => new Date(date).setHours(0, 0, 0, 0);
  const days = Math.round((start(now) - start(at)) / DAY);
  if (days === 0) return `today at ${time}`;
  if (days === 1) return `yesterday at ${time}`;
  return `on ${day(timestamp, now)}`;
}

/** Under which heading a session is listed. */
export function age(timestamp: string, now = new Date()): string {
  const start = (date: Date) => new Date(date).setHours(0, 0, 0, 0);
  const days = Math.round((start(now) - start(new Date(timestamp))) / DAY);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days < 7) return "This week";
  if (days < 31) return "This month";
  return "Earlier";
}
