// The page's connection to the program: one WebSocket that comes back by itself.
//
// Text frames are messages told apart by `kind`, binary frames by their first byte (messages.ts). After a loss it tries
// again at once, then ever more seldom; what has to be said to every new connection is remembered. A program that
// speaks another protocol makes the page load itself anew, once.

import {
  Binary,
  type CameraFrame,
  decodeMotion,
  decodePeople,
  decodePreview,
  encodeCameraFrame,
  FrameError,
  type FromPage,
  type FromProgram,
  type Motion,
  type People,
  PROTOCOL,
  type PreviewFrame,
} from "../messages";
import { ProgramClock } from "./clock";
import { addressOf, storage } from "./page";
import { type Admission, Refusal } from "./refusal";
import type { Socket } from "./socket";

/** Milliseconds until the first and until all later attempts at most; doubled each time. */
const FIRST_RETRY = 250;
const LAST_RETRY = 4000;
/** Milliseconds that a connection has to open: one that a program took just before it ended would never say a word. */
const OPENS_WITHIN = 10_000;
/** Share of a wait that is left to chance, so that many pages do not come back in the same instant. */
const CHANCE = 0.2;
/** Milliseconds between questions for the time: the first few quickly, so that a good one is soon among them. */
const FIRST_PINGS = 100;
const QUICK_PINGS = 5;
const PINGS = 2000;
/** Milliseconds without a word after which the connection is taken for dead: three questions unanswered. */
const SILENCE = 3 * PINGS;
/** Milliseconds between questions from which on the page itself was held up: what came meanwhile is not read yet. */
const HELD_UP = 2 * PINGS;
const RELOADED = "bodydouble.reloaded";
/** Messages that say how things are: who asks for them later is told the last one. */
const STANDING: ReadonlySet<string> = new Set(["hello", "scene", "state", "choices", "status"]);

/** What a Link may be given in place of the browser's own. */
export interface LinkOptions {
  open?: (address: string) => Socket;
  reload?: () => void;
  clock?: ProgramClock;
  admission?: () => Promise<Admission>;
}

type Handler<T> = (message: T) => void;
type OfKind<K extends FromProgram["kind"]> = Extract<FromProgram, { kind: K }>;
/** What the binary frames hold that a page is sent. */
interface Frames {
  [Binary.MOTION]: Motion;
  [Binary.PEOPLE]: People;
  [Binary.PREVIEW]: PreviewFrame;
}
const OPEN = 1;

/** A connection to one of the program's addresses, such as "/ws/stage". */
export class Link {
  /** The program's clock. */
  readonly clock: ProgramClock;
  private readonly address: string;
  private readonly openSocket: (address: string) => Socket;
  private readonly reload: () => void;
  private readonly kinds = new Map<string, Set<Handler<never>>>();
  private readonly frames = new Map<Binary, Set<Handler<never>>>();
  private readonly watchers = new Set<Handler<boolean>>();
  private readonly remembered = new Map<string, FromPage>();
  private readonly standing = new Map<string, FromProgram>();
  private readonly refusal: Refusal;
  private socket: Socket | undefined;
  private connected = false;
  private closed = false;
  private attempts = 0;
  private pings = 0;
  private heard = 0;
  private asked = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private openTimer: ReturnType<typeof setTimeout> | undefined;
  private pingTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string, options: LinkOptions = {}) {
    this.clock = options.clock ?? new ProgramClock();
    this.address = addressOf(path);
    this.openSocket = options.open ?? ((address) => new WebSocket(address) as Socket);
    this.reload = options.reload ?? (() => globalThis.location?.reload());
    this.refusal = new Refusal(() => this.judged(), options.admission);
    globalThis.addEventListener?.("online", this.hurry);
    globalThis.document?.addEventListener("visibilitychange", this.hurry);
    this.connect();
  }

  /** Whether messages get through now. */
  get open(): boolean {
    return this.connected;
  }

  /** Whether the program is there and does not let this page in: it wants another token. */
  get refused(): boolean {
    return this.refusal.refused;
  }

  /** Bytes that wait to be sent. */
  get waiting(): number {
    return this.socket?.bufferedAmount ?? 0;
  }

  /**
   * Call `handler` with every message of a kind; of those that say how things are, at once with the last one that came.
   * Returns what stops it.
   */
  on<K extends FromProgram["kind"]>(kind: K, handler: Handler<OfKind<K>>): () => void {
    const last = this.standing.get(kind);
    if (last) handler(last as OfKind<K>);
    return added(this.kinds, kind, handler as Handler<never>);
  }

  /** Call `handler` with every binary frame of a type, decoded. Returns what stops it. */
  onFrame<B extends keyof Frames>(type: B, handler: Handler<Frames[B]>): () => void {
    return added(this.frames, type as Binary, handler as Handler<never>);
  }

  /**
   * Call `handler` now and whenever the connection opens (true), is lost or is refused (false). Returns what stops it.
   */
  onOpen(handler: Handler<boolean>): () => void {
    this.watchers.add(handler);
    handler(this.connected);
    return () => this.watchers.delete(handler);
  }

  /** Send a message; false if there is no connection, and then it is lost. */
  send(message: FromPage): boolean {
    if (!this.connected || this.socket?.readyState !== OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Send a message now and to every later connection, until another of its kind takes its place. */
  remember(message: FromPage): boolean {
    this.remembered.set(message.kind, message);
    return this.send(message);
  }

  /** Send one frame of the page's own camera; false if there is no connection. */
  sendFrame(frame: CameraFrame): boolean {
    if (!this.connected || this.socket?.readyState !== OPEN) return false;
    this.socket.send(encodeCameraFrame(frame));
    return true;
  }

  /** End the connection for good. */
  close(): void {
    this.closed = true;
    globalThis.removeEventListener?.("online", this.hurry);
    globalThis.document?.removeEventListener("visibilitychange", this.hurry);
    clearTimeout(this.retryTimer);
    this.refusal.settle();
    this.lost();
  }

  private connect(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    const socket = this.openSocket(this.address);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => this.opened();
    socket.onmessage = (event) => this.received(event.data);
    socket.onclose = () => this.ended(socket);
    this.openTimer = setTimeout(() => this.ended(socket), OPENS_WITHIN);
    socket.onerror = () => undefined; // a close follows, with all there is to know
  }

  private opened(): void {
    clearTimeout(this.openTimer);
    this.connected = true;
    this.refusal.settle();
    this.clock.reset();
    this.pings = 0;
    this.heard = this.asked = this.clock.local();
    for (const message of this.remembered.values()) this.send(message);
    this.ping();
    for (const watch of this.watchers) watch(true);
  }

  /** Leave the socket there is, if there is one. */
  private lost(): void {
    clearTimeout(this.openTimer);
    clearTimeout(this.pingTimer);
    const socket = this.socket;
    this.socket = undefined;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    if (!this.connected) return;
    this.connected = false;
    for (const watch of this.watchers) watch(false);
  }

  private ended(socket: Socket): void {
    if (socket !== this.socket) return;
    const never = !this.connected;
    this.lost();
    if (this.closed) return;
    if (never) void this.refusal.look();
    const wait = Math.min(LAST_RETRY, FIRST_RETRY * 2 ** this.attempts);
    this.attempts += 1;
    this.retryTimer = setTimeout(() => this.connect(), wait * (1 - CHANCE * Math.random()));
  }

  /** The program has begun to refuse this page, or to let it in again. */
  private judged(): void {
    if (!this.refusal.refused) {
      this.attempts = 0;
      this.connect();
      return;
    }
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.lost();
    for (const watch of this.watchers) watch(false);
  }

  /** The network is back, or somebody looks at the page again: no reason to wait longer. */
  private readonly hurry = (): void => {
    if (globalThis.document?.hidden) return;
    if (this.refusal.refused) void this.refusal.look();
    if (this.retryTimer === undefined) return;
    this.attempts = 0;
    this.connect();
  };

  private ping(): void {
    const now = this.clock.local();
    if ((now - this.asked) * 1000 > HELD_UP) this.heard = Math.max(this.heard, now - (SILENCE - PINGS) / 1000);
    this.asked = now;
    if ((now - this.heard) * 1000 > SILENCE && !globalThis.document?.hidden) {
      if (this.socket) this.ended(this.socket);
      return;
    }
    this.send({ kind: "ping", sent: now });
    this.pings += 1;
    this.pingTimer = setTimeout(() => this.ping(), this.pings < QUICK_PINGS ? FIRST_PINGS : PINGS);
  }

  private received(data: unknown): void {
    this.heard = this.clock.local();
    if (data instanceof ArrayBuffer) this.receivedFrame(data);
    else if (typeof data === "string") this.receivedMessage(JSON.parse(data) as FromProgram);
  }

  private receivedMessage(message: FromProgram): void {
    if (message.kind === "pong") this.clock.answered(message.sent, message.time);
    if (message.kind === "hello") {
      this.attempts = 0;
      if (message.protocol !== PROTOCOL) {
        this.mismatch(message.protocol);
        return;
      }
      storage()?.removeItem(RELOADED);
    }
    if (STANDING.has(message.kind)) this.standing.set(message.kind, message);
    for (const handle of this.kinds.get(message.kind) ?? []) (handle as Handler<FromProgram>)(message);
  }

  private receivedFrame(data: ArrayBuffer): void {
    const type = new Uint8Array(data, 0, Math.min(1, data.byteLength))[0];
    const handlers = this.frames.get(type as Binary);
    if (!handlers?.size) return;
    let frame: Motion | People | PreviewFrame;
    try {
      frame =
        type === Binary.MOTION ? decodeMotion(data) : type === Binary.PEOPLE ? decodePeople(data) : decodePreview(data);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      console.error(error.message); // the next frame is whole again; a picture less is no reason to stop
      return;
    }
    if ("sent" in frame) this.clock.heard(frame.sent);
    for (const handle of handlers) (handle as Handler<typeof frame>)(frame);
  }

  /** The program was updated while this page was open: the new page understands it. */
  private mismatch(protocol: number): void {
    this.closed = true;
    this.lost();
    const kept = storage();
    if (kept?.getItem(RELOADED) === String(protocol)) {
      console.error(`the program speaks protocol ${protocol}, this page ${PROTOCOL}; close the page and open it anew`);
      return;
    }
    kept?.setItem(RELOADED, String(protocol));
    this.reload();
  }
}

function added<K>(table: Map<K, Set<Handler<never>>>, key: K, handler: Handler<never>): () => void {
  const handlers = table.get(key) ?? new Set();
  table.set(key, handlers);
  handlers.add(handler);
  return () => handlers.delete(handler);
}
