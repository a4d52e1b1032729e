// The program's clock, as a page knows it.
//
// Seconds. A question goes out and comes back; the answer's time is taken to be of the middle of the way. The quickest of
// the last answers is right to within half its way, so it alone counts (Cristian 1989, "Probabilistic clock
// synchronization").

/** Answers that are remembered: at one every two seconds, clocks that drift apart are followed within half a minute. */
const REMEMBERED = 12;

interface Sample {
  offset: number;
  trip: number;
}

/** Finds the program's time from the page's. */
export class ProgramClock {
  private samples: Sample[] = [];
  private best: Sample | undefined;
  private guess: number | undefined;

  /** page: the page's own clock, seconds. */
  constructor(private readonly page: () => number = () => performance.now() / 1000) {}

  /** Whether a question was answered yet. */
  get known(): boolean {
    return this.best !== undefined;
  }

  /** Seconds that the quickest answer was under way; 0 before there is one. */
  get trip(): number {
    return this.best?.trip ?? 0;
  }

  /** The page's own clock, seconds. */
  local(): number {
    return this.page();
  }

  /** The program's time now; before anything was heard of it, 0. */
  now(): number {
    const offset = this.best?.offset ?? this.guess;
    return offset === undefined ? 0 : this.page() + offset;
  }

  /** A question asked at `sent` on the page's clock was answered by `time` on the program's. */
  answered(sent: number, time: number): void {
    const received = this.page();
    const trip = received - sent;
    if (!(trip >= 0)) return; // asked by a page before it was loaded anew
    this.samples.push({ offset: time - (sent + received) / 2, trip });
    if (this.samples.length > REMEMBERED) this.samples.shift();
    this.best = this.samples.reduce((least, sample) => (sample.trip < least.trip ? sample : least));
  }

  /** Something was sent at `time` on the program's clock: until a question is answered this is all that is known. */
  heard(time: number): void {
    const offset = time - this.page();
    if (this.guess === undefined || offset > this.guess) this.guess = offset;
  }

  /** Forget all: another program may be at the other end. */
  reset(): void {
    this.samples = [];
    this.best = undefined;
    this.guess = undefined;
  }
}
