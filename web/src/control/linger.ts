/** Sentences that do not flicker: they come when it has been so for a moment, stay to be read, and go when closed. */

/** Milliseconds that a sentence must have been said before it is shown. */
export const SETTLE = 600;
/** Milliseconds that a shown sentence stays at least: two short lines are read in that time. */
export const STAY = 4000;
/** Milliseconds for which a closed sentence must not have been said before it may be shown again. */
export const AWAY = 60_000;

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
    const held = this.shown !== "" && now - this.#since < this.stay;
    if (this.#wanted !== this.shown && !held && now - this.#wantedSince >= this.settle) {
      this.shown = this.#wanted;
      this.#since = now;
    }
    return this.shown;
  }

  /** Takes away what is shown, at once. */
  clear(): void {
    this.shown = "";
  }
}

/** Sentences that a reader has closed. Those that differ in their figures only are one. */
export class Dismissed {
  readonly #said = new Map<string, number>(); // when a closed one was said last

  /** Closes a sentence. */
  add(sentence: string, now: number): void {
    if (sentence !== "") this.#said.set(kindOf(sentence), now);
  }

  /** What is said now, "" in place of one that was closed. */
  pass(sentence: string, now: number): string {
    for (const [kind, last] of this.#said) if (now - last > AWAY) this.#said.delete(kind);
    const kind = kindOf(sentence);
    if (!this.#said.has(kind)) return sentence;
    this.#said.set(kind, now);
    return "";
  }
}

function kindOf(sentence: string): string {
  return sentence.replace(/\d+/g, "#");
}
