/** Calls at most once in so many milliseconds, the first at once and the last always: what a slider needs. */

/** A clock and its timer, so that tests need not wait. Milliseconds. */
export interface Timer {
  now(): number;
  after(milliseconds: number, call: () => void): unknown;
  cancel(handle: unknown): void;
}

/** The browser's own. */
export const browserTimer: Timer = {
  now: () => performance.now(),
  after: (milliseconds, call) => setTimeout(call, milliseconds),
  cancel: (handle) => clearTimeout(handle as number),
};

/** Gathers values; `act` gets the newest one, no sooner than `every` milliseconds after the last. */
export class Throttle<T> {
  #last = Number.NEGATIVE_INFINITY;
  #waiting: { value: T } | null = null;
  #handle: unknown = null;

  constructor(
    private readonly every: number,
    private readonly act: (value: T) => void,
    private readonly timer: Timer = browserTimer,
  ) {}

  /** Takes a value; `join` makes one of a value that still waits and this one (default: the newer). */
  push(value: T, join: (waiting: T, value: T) => T = (_, newer) => newer): void {
    this.#waiting = { value: this.#waiting ? join(this.#waiting.value, value) : value };
    const due = this.#last + this.every - this.timer.now();
    if (due <= 0) this.flush();
    else if (this.#handle === null) this.#handle = this.timer.after(due, () => this.flush());
  }

  /** Passes on what waits, now. */
  flush(): void {
    if (this.#handle !== null) this.timer.cancel(this.#handle);
    this.#handle = null;
    if (!this.#waiting) return;
    const { value } = this.#waiting;
    this.#waiting = null;
    this.#last = this.timer.now();
    this.act(value);
  }

  /** Forgets what waits. */
  close(): void {
    if (this.#handle !== null) this.timer.cancel(this.#handle);
    this.#handle = null;
    this.#waiting = null;
  }
}
