// What a user does: keys, drafts of settings, commands and their answers.

import { describe, expect, it, vi } from "vitest";
import { type Command, Commands } from "../src/control/commands";
import { Drafts, PATIENCE } from "../src/control/drafts";
import { actionFor, type Focus, isTyping, SHORTCUTS } from "../src/control/keyboard";
import { Throttle, type Timer } from "../src/control/throttle";
import type { Settings } from "../src/messages";

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

  it("waits for the answer of a program that is slow, and then for its state", () => {
    const drafts = new Drafts();
    drafts.set("camera", "browser", 0, false);
    drafts.asked(["camera"]);
    expect(drafts.over(SETTINGS, 10 * PATIENCE).camera).toBe("browser");
    drafts.set("camera", "webcam", 10 * PATIENCE, false); // another choice meanwhile
    drafts.asked(["camera"]);
    drafts.answered(["camera"], 20 * PATIENCE); // the first one's
    expect(drafts.over(SETTINGS, 30 * PATIENCE).camera).toBe("webcam");
    drafts.answered(["camera"], 30 * PATIENCE);
    expect(drafts.over(SETTINGS, 31 * PATIENCE).camera).toBe("webcam");
    expect(drafts.over(SETTINGS, 31 * PATIENCE + 1).camera).toBe(SETTINGS.camera);
    drafts.answered(["camera"], 32 * PATIENCE); // one too many
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
