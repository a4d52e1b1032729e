/** A sentence that does not flicker: it comes when it has been so for a moment, and stays long enough to be read. */

/** Milliseconds that a sentence must have been said before it is shown. */
export const SETTLE = 400;
/** Milliseconds that a shown sentence stays at least. */
export const STAY = 1500;

/** Feed it what is said now; `shown` is what to show. Time in milliseconds on any clock, given with each call. */
export class Linger {
  shown = "";
  #since = Number.NEGATIVE_INFINITY;
  #wanted = "";
  #wantedSince = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly settle = SETTLE,
    private readonly stay = STAY,
  ) {}

  /** Takes what is said at this time and returns what to show. */
  say(sentence: string, now: number): string {
    if (sentence !== this.#wanted) {
      this.#wanted = sentence;
      this.#wantedSince = now;
    }
    const wait = this.shown === "" ? this.settle : 0;
    const held = this.shown !== "" && now - this.#since < this.stay;
    if (this.#wanted !== this.shown && !held && now - this.#wantedSince >= wait) {
      this.shown = this.#wanted;
      this.#since = now;
    }
    return this.shown;
  }
}
