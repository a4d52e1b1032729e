/**
 * What the user has set and the program has not confirmed yet. The program's State wins, but not over a slider that is
 * being dragged, nor over a value that is on its way. Times in milliseconds on any clock.
 */

import type { Settings } from "../messages";

/** A value of a setting. */
export type Value = string | number | boolean;

/** Milliseconds after which a value that the program never took is given up. */
export const PATIENCE = 2500;

interface Draft {
  value: Value;
  since: number;
  held: boolean;
}

/** Whether two values are the same to a person: numbers within a ten-thousandth (they travel as decimal text). */
export function same(a: Value | undefined, b: Value): boolean {
  return typeof a === "number" && typeof b === "number" ? Math.abs(a - b) < 1e-4 : a === b;
}

/** The drafts, by the setting's name. */
export class Drafts {
  #drafts = new Map<keyof Settings, Draft>();

  /** The user sets a value; held: still dragging. */
  set(name: keyof Settings, value: Value, now: number, held: boolean): void {
    this.#drafts.set(name, { value, since: now, held });
  }

  /** The user lets go of it. */
  release(name: keyof Settings, now: number): void {
    const draft = this.#drafts.get(name);
    if (draft) this.#drafts.set(name, { ...draft, since: now, held: false });
  }

  /** The program refused it. */
  drop(name: keyof Settings): void {
    this.#drafts.delete(name);
  }

  /** Forgets all: another program, or none. */
  clear(): void {
    this.#drafts.clear();
  }

  /** The settings to show: the program's, with what is still on its way. Drops what has arrived or was given up. */
  over(settings: Settings, now: number): Settings {
    const shown: Record<string, Value> = { ...settings };
    for (const [name, draft] of this.#drafts) {
      const done = same(settings[name], draft.value) || now - draft.since > PATIENCE;
      if (done && !draft.held) this.#drafts.delete(name);
      else shown[name] = draft.value;
    }
    return shown as unknown as Settings;
  }

  /** Whether any value is on its way. */
  get waiting(): boolean {
    return this.#drafts.size > 0;
  }
}
