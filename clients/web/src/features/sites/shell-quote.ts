/**
 * Quotes a text so that a POSIX shell passes it on as it is: within single
 * quotes nothing is special but the single quote itself.
 */
export function quoteShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
