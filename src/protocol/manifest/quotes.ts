/**
 * Quoted texts that go on in the next line without being indented.
 *
 * YAML wants them deeper than what surrounds them and the parser insists; the official reader does not, and people paste
 * keys and JSON into quotes as they are. Spaces at the start of such a line mean nothing, so that a text with them put in
 * reads the same to everybody. Lines keep their numbers by it, though not all of their columns.
 */

/** Most characters of a text that was mended. */
const MAX_MENDED = 1 << 19;

/** The offset of the quote that closes the one at `start`, or -1. */
function closingQuote(text: string, start: number): number {
  const quote = text[start]!;
  for (let i = start + 1; i < text.length; i += 1) {
    const one = text[i];
    if (quote === '"' && one === '\\') i += 1;
    else if (one === quote && quote === "'" && text[i + 1] === "'") i += 1;
    else if (one === quote) return i;
  }
  return -1;
}

/**
 * The text with the lines of the quoted text at `start` indented. Null where that is no help: the quotes are closed
 * `length` characters on as they should be, or not at all, or around the mark of another document.
 */
export function indentQuoted(text: string, start: number, length: number): string | null {
  const end = closingQuote(text, start);
  if (end < 0 || end + 1 === start + length) return null;
  const inside = text.slice(start, end);
  if (/\n(?:---|\.\.\.)(?:\s|$)/.test(inside)) return null;
  // Nothing that surrounds the quotes is indented deeper than they stand.
  const indent = ' '.repeat(start - text.lastIndexOf('\n', start));
  const lines = inside.split('\n');
  if (text.length + lines.length * indent.length > MAX_MENDED) return null;
  const mended = lines.map((line, i) => (i === 0 || line.trim() === '' ? line : indent + line));
  return text.slice(0, start) + mended.join('\n') + text.slice(end);
}
