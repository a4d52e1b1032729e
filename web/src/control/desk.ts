/**
 * What the control page knows and can do: signals that the parts of the page read, and commands. It speaks to the
 * program through a Link and knows nothing of the page's elements.
 */

import { type Signal, signal } from "@preact/signals";
import type { Link } from "../link/link";
import type { Answer, Choices, Hello, Settings, State, Status } from "../messages";
import { Commands } from "./commands";
import { Drafts, PATIENCE, type Value } from "./drafts";
import { capital } from "./format";
import { Dismissed, Linger } from "./linger";
import { Throttle } from "./throttle";

/** How the connection to the program does. first: it has never been open. refused: the program wants another token. */
export type Connection = "first" | "open" | "lost" | "refused";

/**
 * A short word to the user about something that was done or could not be. href: a file to fetch; picture: shown small;
 * list: below the text.
 */
export interface Note {
  id: number;
  good: boolean;
  text: string;
  href?: string;
  picture?: string;
  list?: readonly string[];
}

/** Milliseconds between changes sent while a slider is dragged: quick enough to feel direct, few enough for the disk. */
const CHANGE_EVERY = 60;
/** Notes that are shown at once; older ones go. */
const NOTES = 3;

/** The state behind the control page. */
export class Desk {
  readonly connection: Signal<Connection> = signal("first");
  readonly settings: Signal<Settings | null> = signal(null);
  readonly choices: Signal<Choices | null> = signal(null);
  readonly status: Signal<Status | null> = signal(null);
  readonly version: Signal<string> = signal("");
  readonly notes: Signal<Note[]> = signal([]);
  /** The sentence on poor tracking, steadied. */
  readonly hint: Signal<string> = signal("");
  /** A character or picture is being sent: what it is called, "" for none. */
  readonly sending: Signal<string> = signal("");
  readonly film: Signal<boolean> = signal(false);
  readonly #commands: Commands;
  readonly #drafts = new Drafts();
  readonly #linger = new Linger();
  readonly #dismissed = new Dismissed();
  readonly #changes: Throttle<Partial<Settings>>;
  #confirmed: Settings | null = null;
  #session = "";
  #noteCount = 0;
  #recorded = "";
  #filmed: string | null = null;

  constructor(readonly link: Link) {
    this.#commands = new Commands((command) => link.send(command));
    this.#changes = new Throttle<Partial<Settings>>(CHANGE_EVERY, (settings) => this.#send(settings));
    link.on("hello", (hello) => this.#hello(hello));
    link.on("state", (state) => this.#state(state));
    link.on("choices", (choices) => {
      // a program that was just started has not looked into its folders yet, and there always are characters
      const before = choices.characters.length === 0 ? this.choices.value : null;
      this.choices.value = before ? { ...choices, characters: before.characters } : choices;
    });
    link.on("status", (status) => this.#status(status));
    link.on("answer", (answer) => this.#commands.answered(answer));
    link.onOpen((open) => this.#opened(open));
  }

  /** Sends a command; its answer. A refusal is told to the user. */
  async ask(command: Parameters<Commands["ask"]>[0]): Promise<Answer> {
    const answer = await this.#commands.ask(command);
    if (!answer.ok && this.connection.value === "open") this.note(false, answer.message || "That did not work.");
    return answer;
  }

  /** Sets some settings: shown at once, sent soon. held: a slider that is still dragged. */
  change(settings: Partial<Settings>, held = false): void {
    const now = performance.now();
    for (const [name, value] of Object.entries(settings))
      this.#drafts.set(name as keyof Settings, value as Value, now, held);
    this.#show();
    this.#changes.push(settings, (waiting, newer) => ({ ...waiting, ...newer }));
    if (!held) this.#changes.flush();
  }

  /** A slider is let go. */
  release(name: keyof Settings): void {
    this.#drafts.release(name, performance.now());
    this.#changes.flush();
    setTimeout(() => this.#show(), PATIENCE + 50);
  }

  /** Starts or stops a recording, as it is not now. */
  async record(): Promise<void> {
    const state = this.status.value?.recording.state ?? "off";
    if (state === "saving") return;
    const on = state === "off";
    const answer = await this.ask({ kind: "record", on, film: this.film.value });
    if (answer.ok && !on && answer.path) this.#told(answer.message || "Recording saved", answer.path);
  }

  /** Saves the character as it is now; the picture's address, "" if it did not work. */
  async snapshot(): Promise<string> {
    const transparent = this.settings.value?.background === "transparent";
    const answer = await this.ask({ kind: "snapshot", transparent });
    if (!answer.ok) return "";
    this.note(true, answer.message || "Snapshot saved", { href: answer.path, picture: answer.path });
    return answer.path;
  }

  /** Begins the countdown; 0 seconds forget the calibration, less leave off what is going on. */
  async calibrate(seconds: number): Promise<void> {
    const answer = await this.ask({ kind: "calibrate", seconds });
    if (answer.ok && answer.message) this.note(true, answer.message);
  }

  /** Switches the virtual camera. */
  async virtualCamera(on: boolean): Promise<void> {
    await this.ask({ kind: "virtual_camera", on });
  }

  /** Says something to the user; it goes by itself or is closed. */
  note(good: boolean, text: string, more: Partial<Note> = {}): void {
    if (this.notes.value.some((old) => old.text === capital(text) && old.href === more.href)) return;
    this.#noteCount += 1;
    this.notes.value = [
      ...this.notes.value.slice(1 - NOTES),
      { id: this.#noteCount, good, text: capital(text), ...more },
    ];
  }

  /** Takes a note away. */
  dismiss(id: number): void {
    this.notes.value = this.notes.value.filter((note) => note.id !== id);
  }

  /** The sentence on poor tracking was read and closed; it does not come back while its reason lasts. */
  dismissHint(): void {
    this.#dismissed.add(this.hint.value, performance.now());
    this.#linger.clear();
    this.hint.value = "";
  }

  #told(text: string, path: string): void {
    if (path === this.#recorded) return;
    this.#recorded = path;
    this.note(true, text, { href: path });
  }

  #hello(hello: Hello): void {
    if (this.#session && this.#session !== hello.session) this.#drafts.clear();
    this.#session = hello.session;
    this.version.value = hello.version;
  }

  #opened(open: boolean): void {
    if (open) this.connection.value = "open";
    else if (this.link.refused) this.connection.value = "refused";
    else if (this.connection.value !== "first") this.connection.value = "lost";
    if (open) return;
    this.#drafts.clear();
    this.#changes.close();
    this.#commands.lost();
    this.#show();
  }

  #state(state: State): void {
    this.#confirmed = state.settings;
    this.#show();
  }

  #status(status: Status): void {
    const before = this.status.value?.recording.state;
    this.status.value = status;
    const now = performance.now();
    this.hint.value = this.#linger.say(this.#dismissed.pass(status.hint, now), now);
    const { state, message, film } = status.recording;
    const made = this.#filmed !== null && film !== this.#filmed; // a film, and not one of before this page was opened
    this.#filmed = film;
    if (before === "saving" && state === "off" && message) this.note(true, message, made ? { href: film } : {});
    if (this.#drafts.waiting) this.#show();
  }

  #show(): void {
    if (this.#confirmed) this.settings.value = this.#drafts.over(this.#confirmed, performance.now());
  }

  async #send(settings: Partial<Settings>): Promise<void> {
    const names = Object.keys(settings) as (keyof Settings)[];
    this.#drafts.asked(names);
    const answer = await this.ask({ kind: "change", settings: settings as { [name: string]: Value } });
    this.#drafts.answered(names, performance.now());
    if (answer.ok) return;
    for (const name of names) this.#drafts.drop(name);
    this.#show();
  }
}
