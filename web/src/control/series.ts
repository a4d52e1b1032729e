/** The last seconds of a few values, for the strips: columns as uPlot takes them, oldest first. */

/** Keeps samples of `count` values for `span` seconds. null: unknown at that time, drawn as a gap. */
export class Series {
  readonly times: number[] = [];
  readonly values: (number | null)[][];

  constructor(
    count: number,
    readonly span: number,
  ) {
    this.values = Array.from({ length: count }, () => []);
  }

  /** Takes the values at a time in seconds, later than the last; an earlier one (a new program) begins anew. */
  add(time: number, values: readonly (number | null)[]): void {
    const { times } = this;
    const last = times.at(-1);
    if (last !== undefined && time <= last) for (const column of [times, ...this.values]) column.length = 0;
    times.push(time);
    for (const [i, column] of this.values.entries()) column.push(values[i] ?? null);
    let stale = 0;
    while ((times[stale] ?? time) < time - this.span) stale += 1;
    if (stale > 0) for (const column of [times, ...this.values]) column.splice(0, stale);
  }

  /** All columns, times first, as uPlot takes them. */
  get columns(): [number[], ...(number | null)[][]] {
    return [this.times, ...this.values];
  }

  /** The largest value kept, `least` if none is larger. */
  peak(least: number): number {
    let top = least;
    for (const column of this.values) for (const value of column) if (value !== null && value > top) top = value;
    return top;
  }
}

/** The next round number at or above a value: 1, 2 or 5 times a power of ten, so that a strip's scale rarely moves. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 5, 10]) if (step * power >= value * (1 - 1e-9)) return step * power;
  return 10 * power;
}
