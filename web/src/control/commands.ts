/** Commands to the program and their answers, told apart by a number. */

import type { Answer, Calibrate, Change, Follow, Record, Refresh, Snapshot, VirtualCamera } from "../messages";

/** The messages that are answered. */
export type Command = Calibrate | Change | Follow | Record | Refresh | Snapshot | VirtualCamera;
type Unnumbered<T> = T extends Command ? Omit<T, "id"> : never;

/** Numbers commands and finds whose answer came. */
export class Commands {
  #next = 1;
  #waiting = new Map<number, (answer: Answer) => void>();

  /** send: false if there is no connection. */
  constructor(private readonly send: (command: Command) => boolean) {}

  /** Sends a command; its answer, or one that says that there is no connection. */
  ask(command: Unnumbered<Command>): Promise<Answer> {
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      if (!this.send({ ...command, id } as Command)) this.#fail(id);
    });
  }

  /** An answer came; one that nobody waits for is ignored. */
  answered(answer: Answer): void {
    const resolve = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    resolve?.(answer);
  }

  /** The connection is lost: what was asked will not be answered. */
  lost(): void {
    for (const id of [...this.#waiting.keys()]) this.#fail(id);
  }

  #fail(id: number): void {
    this.answered({ kind: "answer", id, ok: false, message: "There is no connection to bodydouble.", path: "" });
  }
}
