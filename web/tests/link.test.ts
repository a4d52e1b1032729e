import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ProgramClock } from "../src/link/clock";
import { Link } from "../src/link/link";
import { type Admission, AGAIN, admission } from "../src/link/refusal";
import type { Socket } from "../src/link/socket";
import { Binary, encodeMotion, type FromPage, type FromProgram, PROTOCOL } from "../src/messages";

/** A WebSocket whose other end is the test. */
class FakeSocket implements Socket {
  static all: FakeSocket[] = [];
  binaryType: BinaryType = "blob";
  readyState = 0;
  bufferedAmount = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  sent: (string | ArrayBuffer)[] = [];

  constructor(readonly address: string) {
    FakeSocket.all.push(this);
  }
  send(data: string | ArrayBuffer): void {
    this.sent.push(data);
  }
  close(): void {
    this.readyState = 3;
  }
  accept(): void {
    this.readyState = 1;
    this.onopen?.();
    this.say({ kind: "hello", version: "1", protocol: PROTOCOL, session: "a" });
  }
  drop(): void {
    this.readyState = 3;
    this.onclose?.();
  }
  say(message: FromProgram): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  heard(kind: FromPage["kind"]): FromPage[] {
    const texts = this.sent.filter((data) => typeof data === "string");
    return texts.map((text) => JSON.parse(text) as FromPage).filter((message) => message.kind === kind);
  }
}

const last = (): FakeSocket => FakeSocket.all.at(-1) as FakeSocket;
let links: Link[] = [];
let reloads = 0;

function link(): Link {
  const made = new Link("/ws/stage", { open: (address) => new FakeSocket(address), reload: () => reloads++ });
  links.push(made);
  return made;
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  reloads = 0;
  const kept = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});

afterEach(() => {
  for (const made of links) made.close();
  links = [];
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a link", () => {
  it("goes to the program that served the page, with the page's token", () => {
    vi.stubGlobal("location", { href: "https://studio.local:8420/stage?token=s3cret&framing=half" });
    link();
    expect(last().address).toBe("wss://studio.local:8420/ws/stage?token=s3cret");
    expect(last().binaryType).toBe("arraybuffer");
  });

  it("hands out messages by kind and frames by type, until told not to", () => {
    const made = link();
    const scenes: string[] = [];
    const motions: number[] = [];
    const stop = made.on("scene", (scene) => scenes.push(scene.character));
    made.onFrame(Binary.MOTION, (motion) => motions.push(motion.sequence));
    last().accept();
    const scene = { puppet: "", framing: "full", background: "transparent", shadow: true } as const;
    last().say({ kind: "scene", character: "fox", ...scene });
    stop();
    last().say({ kind: "scene", character: "mira", ...scene });
    const motion = { figure_count: 0, flags: 0, captured: 0, time: 0, sent: 0, figures: [] };
    last().onmessage?.({ data: encodeMotion({ ...motion, sequence: 12 }) });
    expect(scenes).toEqual(["fox"]);
    expect(motions).toEqual([12]);
  });

  it("tells who comes later how things are", () => {
    const made = link();
    last().accept();
    const heard: string[] = [];
    made.on("hello", (hello) => heard.push(hello.session));
    made.on("pong", () => heard.push("pong"));
    expect(heard).toEqual(["a"]);
  });

  it("goes on after a frame that is none", () => {
    const made = link();
    const motions: number[] = [];
    const complaints = vi.spyOn(console, "error").mockImplementation(() => undefined);
    made.onFrame(Binary.MOTION, (motion) => motions.push(motion.sequence));
    last().accept();
    last().onmessage?.({ data: new Uint8Array([Binary.MOTION, 9, 9]).buffer });
    last().onmessage?.({ data: new ArrayBuffer(0) });
    expect(complaints).toHaveBeenCalledOnce();
    expect(motions).toEqual([]);
    expect(made.open).toBe(true);
  });

  it("comes back at once, then ever more seldom, but every four seconds", () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    link();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      const before = FakeSocket.all.length;
      last().drop();
      let waited = 0;
      while (FakeSocket.all.length === before) {
        vi.advanceTimersByTime(50);
        waited += 50;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 4000, 4000, 4000]);
    last().accept();
    const before = FakeSocket.all.length;
    last().drop();
    vi.advanceTimersByTime(250);
    expect(FakeSocket.all.length).toBe(before + 1);
  });

  it("says to every connection what it was told to remember, the newest of a kind", () => {
    const made = link();
    expect(made.remember({ kind: "preview", on: true, width: 320 })).toBe(false);
    made.remember({ kind: "preview", on: true, width: 640 });
    last().accept();
    expect(last().heard("preview")).toEqual([{ kind: "preview", on: true, width: 640 }]);
    last().drop();
    vi.advanceTimersByTime(5000);
    last().accept();
    expect(last().heard("preview")).toEqual([{ kind: "preview", on: true, width: 640 }]);
  });

  it("tells who wants to know when it opens and when it is lost", () => {
    const made = link();
    const states: boolean[] = [];
    made.onOpen((open) => states.push(open));
    last().accept();
    last().drop();
    expect(states).toEqual([false, true, false]);
    expect(made.send({ kind: "refresh", id: 1 })).toBe(false);
  });

  it("gives up a connection in which nothing is heard any more", () => {
    link();
    last().accept();
    const silent = last();
    vi.advanceTimersByTime(20_000);
    expect(silent.readyState).toBe(3);
    expect(FakeSocket.all.length).toBeGreaterThan(1);
  });

  it("tries anew where a connection neither opens nor fails", () => {
    link();
    last().accept();
    last().drop();
    vi.advanceTimersByTime(250);
    const mute = last(); // taken by a program that is about to end, and never answered
    const before = FakeSocket.all.length;
    vi.advanceTimersByTime(9000);
    expect(FakeSocket.all.length).toBe(before);
    vi.advanceTimersByTime(2000);
    expect(mute.readyState).toBe(3);
    expect(FakeSocket.all.length).toBe(before + 1);
    last().accept();
    vi.advanceTimersByTime(5000);
    expect(last().readyState).toBe(1);
    expect(FakeSocket.all.length).toBe(before + 1);
  });

  it("does not take its own standstill for the program's silence", () => {
    let page = 0;
    const clock = new ProgramClock(() => page);
    links.push(new Link("/ws/stage", { open: (address) => new FakeSocket(address), clock }));
    last().accept();
    const steps = (count: number) => {
      for (let i = 0; i < count; i++) {
        page += 2;
        vi.advanceTimersByTime(2000);
      }
    };
    steps(1);
    page += 60; // the page is held up for a minute: what came in that time is read after the timers
    vi.advanceTimersByTime(2000);
    expect(last().readyState).toBe(1);
    last().say({ kind: "pong", sent: 0, time: 0 });
    steps(2);
    expect(last().readyState).toBe(1);
    const silent = last();
    page += 60;
    steps(3);
    expect(silent.readyState).toBe(3); // and nothing came after that either
  });

  it("loads the page anew for another protocol, but only once", () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    for (let round = 0; round < 2; round++) {
      link();
      last().readyState = 1;
      last().onopen?.();
      last().say({ kind: "hello", version: "2", protocol: PROTOCOL + 1, session: "b" });
    }
    expect(reloads).toBe(1);
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all.length).toBe(2);
  });

  it("stays closed once it was closed", () => {
    const made = link();
    last().accept();
    made.close();
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all.length).toBe(1);
    expect(last().readyState).toBe(3);
  });
});

describe("the program's clock", () => {
  it("believes the quickest answer", () => {
    let page = 100;
    const clock = new ProgramClock(() => page);
    const ask = (out: number, back: number): void => {
      const sent = page;
      page += out;
      const time = page + 5000;
      page += back;
      clock.answered(sent, time);
    };
    ask(0.2, 0.01);
    ask(0.001, 0.001);
    ask(0.01, 0.3);
    expect(clock.trip).toBeCloseTo(0.002, 9);
    expect(clock.now() - page).toBeCloseTo(5000, 9);
  });

  it("forgets answers of long ago, as clocks drift apart", () => {
    let page = 0;
    const clock = new ProgramClock(() => page);
    for (let second = 0; second < 60; second++) {
      page = second;
      clock.answered(page, page * 1.0005 + 7);
    }
    expect(clock.now() - (page * 1.0005 + 7)).toBeLessThan(0.01);
  });

  it("takes the time of what was sent before anything was answered", () => {
    const clock = new ProgramClock(() => 3);
    expect(clock.now()).toBe(0);
    clock.heard(90);
    clock.heard(89);
    expect(clock.now()).toBe(90);
    clock.answered(4, 80); // asked in the future: by the page before
    expect(clock.known).toBe(false);
  });
});

describe("a page that is not let in", () => {
  /** A link whose program answers so, and what its watchers are told. */
  function guarded(answer: () => Admission): { made: Link; told: boolean[] } {
    const open = (address: string) => new FakeSocket(address);
    const made = new Link("/ws/stage", { open, admission: () => Promise.resolve(answer()) });
    links.push(made);
    const told: boolean[] = [];
    made.onOpen(() => told.push(made.refused));
    return { made, told };
  }

  it("says so and tries no more, until the program lets it in again", async () => {
    let answer: Admission = "refused";
    const { made, told } = guarded(() => answer);
    last().accept();
    last().drop(); // the program is started anew, with a token
    await vi.advanceTimersByTimeAsync(250);
    last().drop();
    await vi.advanceTimersByTimeAsync(0);
    expect(made.refused).toBe(true);
    expect(told).toEqual([false, false, false, true]);
    const tries = FakeSocket.all.length;
    await vi.advanceTimersByTimeAsync(4 * AGAIN);
    expect(FakeSocket.all.length).toBe(tries);
    answer = "gone"; // once more, and nobody knows how the next one will be
    await vi.advanceTimersByTimeAsync(AGAIN);
    expect(made.refused).toBe(true);
    answer = "in";
    await vi.advanceTimersByTimeAsync(AGAIN);
    expect(made.refused).toBe(false);
    last().accept();
    expect(made.open).toBe(true);
  });

  it("goes on trying while nobody answers", async () => {
    const { made } = guarded(() => "gone");
    for (let attempt = 0; attempt < 5; attempt++) {
      last().drop();
      await vi.advanceTimersByTimeAsync(5000);
    }
    expect(made.refused).toBe(false);
    expect(FakeSocket.all.length).toBe(6);
  });

  it("asks nothing for a connection that was open", async () => {
    const ask = vi.fn(() => "refused" as const);
    guarded(ask);
    last().accept();
    last().drop();
    await vi.advanceTimersByTimeAsync(0);
    expect(ask).not.toHaveBeenCalled();
  });

  it("learns by an ordinary request why", async () => {
    const answers = [204, 404, 401, 403, 421, 429].map((status) => () => Promise.resolve({ status } as Response));
    const failures = [new TypeError("no connection"), new DOMException("late", "TimeoutError")].map(
      (fault) => () => Promise.reject(fault),
    );
    const heard: Admission[] = [];
    for (const answer of [...answers, ...failures]) {
      vi.stubGlobal("fetch", answer);
      heard.push(await admission());
    }
    expect(heard).toEqual(["in", "in", "refused", "refused", "refused", "refused", "gone", "gone"]);
  });
});
