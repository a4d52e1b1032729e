// What the control page works out without a page: words, places, keys, drafts, lists.

import { describe, expect, it, vi } from "vitest";
import { left, NOTHING, RESULT_STAYS, type Shown, shownAfter } from "../src/control/calibration_state";
import { constraints, longestOf, sentSize } from "../src/control/camera_frames";
import { insecure, reason } from "../src/control/camera_words";
import { type Command, Commands } from "../src/control/commands";
import { told } from "../src/control/conditions";
import { Drafts, PATIENCE } from "../src/control/drafts";
import {
  capital,
  clockTime,
  count,
  fileName,
  milliseconds,
  percent,
  perSecond,
  pictureSize,
} from "../src/control/format";
import { contain, inPicture, middle, onScreen } from "../src/control/geometry";
import { actionFor, type Focus, isTyping, SHORTCUTS } from "../src/control/keyboard";
import { Linger, SETTLE, STAY } from "../src/control/linger";
import { parseSize, ratesOf, sizesOf, USUAL_SIZES } from "../src/control/modes";
import { roundUp, Series } from "../src/control/series";
import { fits, madeSize } from "../src/control/shrink";
import { edgesOf, LAYOUTS } from "../src/control/skeletons";
import { Throttle, type Timer } from "../src/control/throttle";
import { parcels, type Sent } from "../src/control/uploads";
import type { Settings, SourceReport } from "../src/messages";
import skeletons from "./skeletons.json";

const SETTINGS: Settings = {
  camera: "Webcam",
  size: "",
  fps: 30,
  character: "fox",
  model: "auto",
  device: "auto",
  person: "largest",
  mirror: true,
  smooth: 0.5,
  place: 0.3,
  compensation: 0.7,
  fov: 60,
  framing: "full",
  background: "transparent",
  shadow: true,
};

describe("words", () => {
  it("tells durations", () => {
    expect([0, 5, 65, 3600, 36_061].map(clockTime)).toEqual(["0:00", "0:05", "1:05", "1:00:00", "10:01:01"]);
    expect([-1, Number.NaN, Number.POSITIVE_INFINITY].map(clockTime)).toEqual(["0:00", "0:00", "0:00"]);
  });

  it("tells figures, and a dash where there are none", () => {
    expect([perSecond(29.97), perSecond(0)]).toEqual(["30.0", "–"]);
    expect([milliseconds(41.6), milliseconds(0)]).toEqual(["42 ms", "–"]);
    expect([percent(0.256), percent(7), percent(-1)]).toEqual(["26 %", "100 %", "0 %"]);
    expect([count(999), count(1234), count(1_234_567)].map((text) => text.replace(/\s/g, "_"))).toEqual([
      "999",
      "1_234",
      "1_234_567",
    ]);
    expect([pictureSize([1280, 720]), pictureSize([0, 0])]).toEqual(["1280 × 720", "–"]);
  });

  it("begins sentences with a capital, not names", () => {
    expect(capital("waiting for the camera")).toBe("Waiting for the camera");
    expect(capital("walk-front.mp4 plays slower")).toBe("walk-front.mp4 plays slower");
    expect(capital("rtsp://here does not answer")).toBe("rtsp://here does not answer");
    expect(capital("")).toBe("");
  });

  it("finds what a file is called", () => {
    expect(fileName("/api/recordings/a%20take.parquet?x=1")).toBe("a take.parquet");
    expect(fileName("C:\\films\\one.mp4")).toBe("one.mp4");
    expect(fileName("/api/recordings/100%")).toBe("100%");
  });

  it("has a lamp for every condition, and prefers the program's own sentence", () => {
    const states: SourceReport["state"][] = [
      ...(["opening", "live", "waiting", "busy", "no_permission", "unplugged", "black", "failed"] as const),
    ];
    const report = { name: "a", message: "", size: [1, 1] as [number, number], fps: 1, captured: 1, dropped: 0 };
    for (const state of states) {
      expect(told({ ...report, state }).title).not.toBe("");
      if (state !== "live") expect(told({ ...report, state }).sentence).not.toBe("");
      expect(told({ ...report, state, message: "own words" }).sentence).toBe("Own words");
    }
    expect(told(null).lamp).toBe("busy");
    const message = "no camera found; plug one in, or use a video file (--camera FILE.mp4)";
    const never = { ...report, state: "unplugged" as const, captured: 0, message };
    expect(told(never).title).toBe("No camera found");
    expect(told({ ...never, message: 'no camera "x"; there are: y (bodydouble cameras)' }, "x")).toMatchObject({
      title: "Camera not found",
      sentence: 'No camera "x"; there are: y',
    });
    expect(told({ ...never, captured: 9, message: "" }).title).toBe("Camera unplugged");
  });
});

describe("places", () => {
  it("shows a picture whole and centred", () => {
    expect(contain(1280, 720, 400, 300)).toEqual({ x: 0, y: 37.5, width: 400, height: 225 });
    expect(contain(720, 1280, 400, 320)).toEqual({ x: 110, y: 0, width: 180, height: 320 });
    expect(contain(0, 0, 400, 300)).toEqual({ x: 0, y: 0, width: 400, height: 300 });
  });

  it.each([false, true])("goes to the screen and back, mirrored %s", (mirror) => {
    const picture = contain(1280, 720, 417, 300);
    for (const [x, y] of [
      [0, 0],
      [1, 1],
      [0.2, 0.7],
    ] as const) {
      const place = onScreen(x, y, picture, mirror);
      const back = inPicture(place.x, place.y, picture, mirror);
      expect(back?.x).toBeCloseTo(x, 9);
      expect(back?.y).toBeCloseTo(y, 9);
    }
  });

  it("mirrors left and right, never up and down", () => {
    const picture = { x: 10, y: 20, width: 100, height: 50 };
    expect(onScreen(0.1, 0.2, picture, false)).toEqual({ x: 20, y: 30 });
    expect(onScreen(0.1, 0.2, picture, true)).toEqual({ x: 100, y: 30 });
  });

  it("knows nothing beside the picture", () => {
    const picture = contain(1280, 720, 400, 300);
    expect(inPicture(200, 20, picture, true)).toBeNull();
    expect(inPicture(200, 290, picture, true)).toBeNull();
    expect(inPicture(1, 1, { x: 0, y: 0, width: 0, height: 0 }, true)).toBeNull();
  });

  it("finds the middle of what is seen", () => {
    expect(middle([0, 0, 0.2, 0.4, 0.4, 0.8], [0, 0.9, 0.8])).toEqual({
      x: 0.30000000000000004,
      y: 0.6000000000000001,
    });
    expect(middle([0.5, 0.5], [0.1])).toBeNull();
  });
});

describe("keys", () => {
  const press = (key: string, more = {}) => ({
    key,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    repeat: false,
    ...more,
  });
  const focus = (tagName: string, type = ""): Focus => ({ tagName, type });

  it("has an action for every shortcut, whatever the case", () => {
    for (const { key, action } of SHORTCUTS) {
      expect(actionFor(press(key === "Space" ? " " : key), null)).toBe(action);
      expect(actionFor(press(key === "Space" ? " " : key.toLowerCase()), null)).toBe(action);
    }
    expect(new Set(SHORTCUTS.map((shortcut) => shortcut.key)).size).toBe(SHORTCUTS.length);
    expect(actionFor(press("q"), null)).toBeNull();
  });

  it("leaves typing, lists and the browser's own shortcuts alone", () => {
    for (const where of [
      focus("INPUT", "text"),
      focus("TEXTAREA"),
      focus("SELECT"),
      { tagName: "DIV", isContentEditable: true },
    ]) {
      expect(isTyping(where)).toBe(true);
      expect(actionFor(press("s"), where)).toBeNull();
    }
    for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }, { repeat: true }]) {
      expect(actionFor(press("s", more), null)).toBeNull();
    }
  });

  it("lets Space press what has the focus, and record elsewhere", () => {
    for (const where of [focus("BUTTON"), focus("A"), focus("INPUT", "checkbox"), focus("INPUT", "radio")]) {
      expect(actionFor(press(" "), where)).toBeNull();
      expect(actionFor(press("s"), where)).toBe("snapshot");
    }
    expect(actionFor(press(" "), focus("INPUT", "range"))).toBe("record");
    expect(actionFor(press(" "), focus("BODY"))).toBe("record");
  });
});

describe("drafts", () => {
  it("shows what the user set until the program has it", () => {
    const drafts = new Drafts();
    drafts.set("smooth", 0.9, 0, false);
    expect(drafts.over(SETTINGS, 10).smooth).toBe(0.9);
    expect(drafts.over({ ...SETTINGS, smooth: 0.90001 }, 20).smooth).toBe(0.90001);
    expect(drafts.over(SETTINGS, 30).smooth).toBe(0.5); // another page took it back: the program's word wins
  });

  it("keeps a slider that is dragged, whatever comes", () => {
    const drafts = new Drafts();
    drafts.set("place", 0.8, 0, true);
    expect(drafts.over({ ...SETTINGS, place: 0.1 }, 10 * PATIENCE).place).toBe(0.8);
    expect(drafts.over({ ...SETTINGS, place: 0.8 }, 10 * PATIENCE).place).toBe(0.8);
    expect(drafts.over({ ...SETTINGS, place: 0.1 }, 10 * PATIENCE).place).toBe(0.8);
    drafts.release("place", 10 * PATIENCE);
    expect(drafts.over({ ...SETTINGS, place: 0.8 }, 10 * PATIENCE + 1).place).toBe(0.8);
    expect(drafts.over({ ...SETTINGS, place: 0.1 }, 10 * PATIENCE + 2).place).toBe(0.1);
  });

  it("gives up what was refused or never taken", () => {
    const drafts = new Drafts();
    drafts.set("character", "ghost", 0, false);
    drafts.set("model", "heavy", 0, false);
    drafts.drop("character");
    expect(drafts.over(SETTINGS, 1)).toMatchObject({ character: "fox", model: "heavy" });
    expect(drafts.over(SETTINGS, PATIENCE + 1).model).toBe("auto");
    expect(drafts.waiting).toBe(false);
  });
});

describe("throttle", () => {
  class Hand implements Timer {
    time = 0;
    calls: { at: number; call: () => void }[] = [];
    now = () => this.time;
    after = (milliseconds: number, call: () => void) => {
      const entry = { at: this.time + milliseconds, call };
      this.calls.push(entry);
      return entry;
    };
    cancel = (handle: unknown) => {
      this.calls = this.calls.filter((entry) => entry !== handle);
    };
    go(time: number): void {
      this.time = time;
      const due = this.calls.filter((entry) => entry.at <= time);
      this.calls = this.calls.filter((entry) => entry.at > time);
      for (const entry of due) entry.call();
    }
  }

  it("passes the first at once, then no more than one in its time, and always the last", () => {
    const timer = new Hand();
    const sent: [number, number][] = [];
    const throttle = new Throttle<number>(60, (value) => sent.push([timer.time, value]), timer);
    for (let time = 0; time <= 200; time += 10) {
      timer.go(time);
      throttle.push(time);
    }
    timer.go(300);
    expect(sent[0]).toEqual([0, 0]);
    expect(sent.at(-1)?.[1]).toBe(200);
    for (let i = 1; i < sent.length; i += 1)
      expect((sent[i]?.[0] ?? 0) - (sent[i - 1]?.[0] ?? 0)).toBeGreaterThanOrEqual(60);
  });

  it("joins what waits, so that nothing is lost", () => {
    const timer = new Hand();
    const act = vi.fn();
    const throttle = new Throttle<{ [name: string]: number }>(60, act, timer);
    const join = (a: object, b: object) => ({ ...a, ...b });
    throttle.push({ a: 1 }, join);
    throttle.push({ b: 1 }, join);
    throttle.push({ a: 2 }, join);
    throttle.flush();
    expect(act.mock.calls).toEqual([[{ a: 1 }], [{ b: 1, a: 2 }]]);
    timer.go(1000);
    expect(act).toHaveBeenCalledTimes(2);
  });

  it("forgets what waits when it is closed", () => {
    const timer = new Hand();
    const act = vi.fn();
    const throttle = new Throttle<number>(60, act, timer);
    throttle.push(1);
    throttle.push(2);
    throttle.close();
    timer.go(1000);
    expect(act.mock.calls).toEqual([[1]]);
  });
});

describe("hints", () => {
  it("come after a moment and stay to be read", () => {
    const linger = new Linger();
    expect(linger.say("too dark", 0)).toBe("");
    expect(linger.say("too dark", SETTLE)).toBe("too dark");
    expect(linger.say("", SETTLE + 100)).toBe("too dark");
    expect(linger.say("", SETTLE + STAY)).toBe("");
  });

  it("do not flicker", () => {
    const linger = new Linger();
    let changes = 0;
    let before = "";
    for (let time = 0; time < 10_000; time += 100) {
      const shown = linger.say(Math.floor(time / 100) % 2 ? "too near" : "", time);
      if (shown !== before) changes += 1;
      before = shown;
    }
    expect(changes).toBe(0);
  });
});

describe("strips", () => {
  it("keep the last seconds", () => {
    const series = new Series(2, 30);
    for (let time = 0; time <= 60; time += 1) series.add(time, [time, null]);
    expect(series.times[0]).toBe(30);
    expect(series.times).toHaveLength(31);
    expect(series.columns.map((column) => column.length)).toEqual([31, 31, 31]);
    expect(series.peak(1)).toBe(60);
    expect(series.peak(100)).toBe(100);
  });

  it("begin anew with another program's clock", () => {
    const series = new Series(1, 30);
    series.add(1000, [1]);
    series.add(2, [2]);
    expect(series.columns).toEqual([[2], [2]]);
  });

  it("have round scales", () => {
    expect([0, 1, 1.1, 30, 50, 51, 0.03].map(roundUp)).toEqual([1, 1, 2, 50, 50, 100, 0.05]);
  });
});

describe("lists", () => {
  it("offer each size once, small to large, and the rates of the size", () => {
    const mode = (width: number, height: number, fps: number) => ({ width, height, fps });
    const modes = [mode(1920, 1080, 30), mode(640, 480, 30), mode(1280, 720, 60), mode(1280, 720, 29.97)];
    expect(sizesOf(modes)).toEqual(["640x480", "1280x720", "1920x1080"]);
    expect(ratesOf(modes, "1280x720", 30)).toEqual([30, 60]);
    expect(ratesOf(modes, "1920x1080", 25)).toEqual([25, 30]);
    expect(sizesOf([])).toEqual(USUAL_SIZES);
    expect(ratesOf([], "", 30)).toContain(60);
    expect([parseSize("640x480"), parseSize(""), parseSize("x")]).toEqual([[640, 480], null, null]);
  });

  it("send a zip alone and other files as one character", () => {
    const file = (path: string): Sent => ({ path, file: new File([], path) });
    const files = [file("fox/puppet.toml"), file("a.zip"), file("fox/fox.svg"), file("B.ZIP")];
    const paths = (kind: "character" | "background") =>
      parcels(files, kind).map((parcel) => parcel.map((one) => one.path));
    expect(paths("character")).toEqual([["a.zip"], ["B.ZIP"], ["fox/puppet.toml", "fox/fox.svg"]]);
    expect(paths("background")).toHaveLength(4);
    expect(parcels([], "character")).toEqual([]);
  });
});

describe("pictures", () => {
  it("are sent as they are where the program takes them, else made smaller", () => {
    expect(fits("image/webp", 1e6, 1920, 1080)).toBe(true);
    expect(fits("image/heic", 1e6, 1920, 1080)).toBe(false);
    expect(fits("image/jpeg", 2e7, 1920, 1080)).toBe(false);
    expect(fits("image/png", 1e6, 5000, 100)).toBe(false);
    expect(madeSize(5120, 2880)).toEqual([2560, 1440]);
    expect(madeSize(100, 50)).toEqual([100, 50]);
    expect(madeSize(90_000, 1)).toEqual([2560, 1]);
  });

  it("of a camera are no larger than asked for, with even sides", () => {
    expect(sentSize(1280, 720, 960)).toEqual([960, 540]);
    expect(sentSize(641, 481, 960)).toEqual([640, 480]);
    expect(sentSize(1, 1, 960)).toEqual([2, 2]);
    expect(longestOf({ size: "1920x1080" })).toBe(1920);
    expect(longestOf({ size: "" })).toBe(960);
    expect(constraints({ size: "640x480", fps: 25 }, "abc")).toMatchObject({
      width: { ideal: 640 },
      frameRate: { ideal: 25 },
      deviceId: { exact: "abc" },
    });
  });

  it("that a browser does not give are explained", () => {
    const names = ["NotAllowedError", "NotFoundError", "NotReadableError", "OverconstrainedError", "SecurityError"];
    const words = names.map((name) => reason(new DOMException("x", name)));
    expect(new Set(words).size).toBe(names.length);
    expect(reason(new Error("odd"))).toContain("odd");
    expect(insecure({ secure: false, host: "192.168.1.5", port: "8420" })).toContain("127.0.0.1:8420");
  });
});

describe("skeletons", () => {
  it("are those of the program (tests/stage/test_control_page.py compares the same file with skeletons.py)", () => {
    const found = LAYOUTS.map(({ name, points, edges }) => [
      name,
      {
        points: [...points],
        edges: edges.map((edge) => [...edge].sort()).sort((a, b) => (a.join() < b.join() ? -1 : 1)),
      },
    ]);
    expect(Object.fromEntries(found)).toEqual(skeletons);
  });

  it("have lines between points that exist, as many left as right", () => {
    for (const layout of LAYOUTS) {
      const edges = edgesOf(layout.points.length);
      expect(edges).toHaveLength(layout.edges.length);
      for (const [a, b] of edges) {
        expect(a).toBeGreaterThanOrEqual(0);
        expect(b).toBeGreaterThanOrEqual(0);
      }
      expect(edges.filter((edge) => edge[2] > 0)).toHaveLength(edges.filter((edge) => edge[2] < 0).length);
    }
    expect(edgesOf(5)).toEqual([]);
  });
});

describe("commands", () => {
  it("find their answers, and fail when the connection is lost", async () => {
    const sent: Command[] = [];
    const commands = new Commands((command) => sent.push(command) > 0);
    const first = commands.ask({ kind: "refresh" });
    const second = commands.ask({ kind: "follow", x: 0.5, y: 0.5 });
    expect(sent.map((command) => command.kind)).toEqual(["refresh", "follow"]);
    commands.answered({ kind: "answer", id: sent[1]?.id ?? 0, ok: true, message: "", path: "" });
    commands.answered({ kind: "answer", id: 999, ok: true, message: "", path: "" });
    commands.lost();
    expect([(await second).ok, (await first).ok]).toEqual([true, false]);
    expect((await new Commands(() => false).ask({ kind: "refresh" })).ok).toBe(false);
  });
});

describe("calibration", () => {
  const report = (state: Shown["state"], seconds = 0, message = "") => ({ state, seconds, message, calibrated: false });

  it("counts down evenly between reports", () => {
    let shown = shownAfter(NOTHING, report("countdown", 5), 0);
    expect(left(shown, 0)).toBe(5);
    expect(left(shown, 1100)).toBe(4);
    shown = shownAfter(shown, report("countdown", 4.4), 500); // a report that was under way a little longer moves nothing
    expect(shown.end).toBe(5000);
    expect(left(shown, 4999)).toBe(1);
    expect(left(shown, 6000)).toBe(1);
  });

  it("shows the result of what it saw begin, for a while", () => {
    expect(shownAfter(NOTHING, report("done"), 0)).toEqual(NOTHING);
    let shown = shownAfter(NOTHING, report("holding", 2), 0);
    shown = shownAfter(shown, report("failed", 0, "you moved"), 2000);
    expect(shown).toEqual({ state: "failed", end: 2000 + RESULT_STAYS, message: "you moved" });
    expect(shownAfter(shown, report("failed", 0, "you moved"), 3000)).toEqual(shown);
    expect(shownAfter(shown, report("failed"), 2001 + RESULT_STAYS)).toEqual(NOTHING);
  });

  it("goes when it is left off", () => {
    expect(shownAfter(shownAfter(NOTHING, report("countdown", 5), 0), report("none"), 500)).toEqual(NOTHING);
  });
});
