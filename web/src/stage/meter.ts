// How often something happens, and how long it takes.

/** Seconds over which it is measured. */
const MEASURED = 1;

/** What happened in the last second. */
export class Meter {
  private times: number[] = [];
  private values: number[] = [];

  /** It happened at `now`, and took `value`. */
  count(now: number, value = 0): void {
    this.times.push(now);
    this.values.push(value);
    while ((this.times[0] as number) < now - MEASURED) {
      this.times.shift();
      this.values.shift();
    }
  }

  /** Times a second. */
  get rate(): number {
    const first = this.times[0] ?? 0;
    const last = this.times.at(-1) ?? 0;
    return last > first ? (this.times.length - 1) / (last - first) : 0;
  }

  /** Median of the values: one in which the system did something else in between tells nothing of the page. */
  get median(): number {
    return [...this.values].sort((a, b) => a - b)[this.values.length >> 1] ?? 0;
  }
}
