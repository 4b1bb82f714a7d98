/**
 * Lets only absolute http and https URLs become links. Names and links come
 * from sites and feeds, so that `javascript:` and the like have to be expected.
 */
export function safeHref(url: string | undefined): string | undefined {
  if (!url) return undefined;
  try {
    const { protocol } = new URL(url);
    return protocol === "https:" || protocol === "http:" ? url : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Lets only a path of this application be returned to after signing in, so
 * that a crafted link cannot lead elsewhere.
 */
export function safeReturnPath(path: string | undefined): string {
  if (!path || !path.startsWith("/") || path.startsWith("//") || path.includes("\\")) return "/sites";
  const parsed = new URL(path, "http://drumbeat.invalid");
  if (parsed.host !== "drumbeat.invalid" || parsed.pathname.startsWith("//")) return "/sites";
  if (parsed.pathname === "/sign-in" || parsed.pathname === "/setup") return "/sites";
  return parsed.pathname + parsed.search + parsed.hash;
}
