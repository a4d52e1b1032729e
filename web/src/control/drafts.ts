/**
 * What the user has set and the program has not confirmed yet. The program's State wins, but not over a slider that is
 * being dragged, nor over a value that is on its way. Times in milliseconds on any clock.
 */

import type { Settings } from "../messages";

/** A value of a setting. */
export type Value = string | number | boolean;

/** Milliseconds after its answer at which a value that the program never took is given up. */
export const PATIENCE = 2500;

/** asked: how many times the program was asked to take it and has not answered. */
interface Draft {
  value: Value;
  since: number;
  held: boolean;
  asked: number;
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
    this.#drafts.set(name, { value, since: now, held, asked: this.#drafts.get(name)?.asked ?? 0 });
  }

  /** The program is asked to take values: until it answers, however slow the machine is, none is given up. */
  asked(names: readonly (keyof Settings)[]): void {
    for (const name of names) {
      const draft = this.#drafts.get(name);
      if (draft) draft.asked += 1;
    }
  }

  /** It has answered. */
  answered(names: readonly (keyof Settings)[], now: number): void {
    for (const name of names) {
      const draft = this.#drafts.get(name);
      if (draft) this.#drafts.set(name, { ...draft, since: now, asked: Math.max(draft.asked - 1, 0) });
    }
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
      const late = draft.asked === 0 && now - draft.since > PATIENCE;
      const done = same(settings[name], draft.value) || late;
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
