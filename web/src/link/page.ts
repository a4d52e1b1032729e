// What a connection takes from the page that it belongs to: its address and what it may keep.

/** ws://… or wss://… of a path of the program that served this page, with the page's own token. */
export function addressOf(path: string): string {
  const here = globalThis.location?.href ?? "http://127.0.0.1/";
  const address = new URL(path, here);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const token = new URL(here).searchParams.get("token");
  if (token !== null) address.searchParams.set("token", token);
  return address.href;
}

/** What outlives loading anew; undefined where a browser allows none. */
export function storage(): Storage | undefined {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}
