// Why a connection does not open: a WebSocket does not say, so the program is asked by an ordinary request.
//
// A program that is gone comes back by itself; one that wants another token than this page has does not let it in
// however often it tries. Then it is asked again only now and then: every wrong token is counted there.

/** in: the page may come in. refused: the program is there and lets it not in. gone: nobody answers. */
export type Admission = "in" | "refused" | "gone";

/** Milliseconds until a program that refused is asked again. */
export const AGAIN = 30_000;
/** Milliseconds that the program has to answer. */
const PATIENCE = 10_000;
/** What the program answers to whom it does not let in: no or a wrong token, another page, too many tries, a wrong host. */
const REFUSALS: readonly number[] = [401, 403, 421, 429];

/** Asks the program that served this page. */
export async function admission(): Promise<Admission> {
  try {
    const answer = await fetch("/api/here", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    return REFUSALS.includes(answer.status) ? "refused" : "in";
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error; // no connection, or no answer in time
    return "gone";
  }
}

/** Knows whether the program refuses this page; `changed` is called when that changes. */
export class Refusal {
  private refusing = false;
  private asking = false;
  private question = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly changed: () => void,
    private readonly ask: () => Promise<Admission> = admission,
  ) {}

  /** Whether the program is there and does not let this page in. */
  get refused(): boolean {
    return this.refusing;
  }

  /** A connection did not open: find out why. */
  async look(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    clearTimeout(this.timer);
    const { question } = this;
    const answer = await this.ask();
    this.asking = false;
    if (question !== this.question) return;
    const before = this.refusing;
    this.refusing = answer === "refused" || (before && answer === "gone");
    if (this.refusing) this.timer = setTimeout(() => void this.look(), AGAIN);
    if (before !== this.refusing) this.changed();
  }

  /** What was asked does not matter any more: a connection has opened, or is wanted no longer. */
  settle(): void {
    this.question += 1;
    this.refusing = false;
    clearTimeout(this.timer);
  }
}
