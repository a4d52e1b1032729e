// What comes and goes on the control page: hints, strips, the calibration.

import { describe, expect, it } from "vitest";
import { left, NOTHING, RESULT_STAYS, type Shown, shownAfter } from "../src/control/calibration_state";
import { AWAY, Dismissed, Linger, SETTLE, STAY } from "../src/control/linger";
import { roundUp, Series } from "../src/control/series";

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

describe("hints that were closed", () => {
  it("do not come back while their reason lasts, whatever their figures", () => {
    const dismissed = new Dismissed();
    expect(dismissed.pass("too busy for 30 a second", 0)).toBe("too busy for 30 a second");
    dismissed.add("too busy for 30 a second", 100);
    for (let time = 200; time < 5 * AWAY; time += AWAY / 2) {
      expect(dismissed.pass("too busy for 29 a second", time)).toBe("");
      expect(dismissed.pass("too dark", time)).toBe("too dark");
    }
  });

  it("come back once they have been away for a while", () => {
    const dismissed = new Dismissed();
    dismissed.add("too dark", 0);
    expect(dismissed.pass("too dark", AWAY)).toBe("");
    expect(dismissed.pass("too dark", 2 * AWAY + 1)).toBe("too dark");
  });

  it("are gone at once, and the next one takes its time", () => {
    const linger = new Linger();
    linger.say("too dark", 0);
    expect(linger.say("too dark", SETTLE)).toBe("too dark");
    linger.clear();
    expect(linger.shown).toBe("");
    expect(linger.say("", SETTLE + 1)).toBe("");
    expect(linger.say("too near", SETTLE + 2)).toBe("");
    expect(linger.say("too near", 2 * SETTLE + 2)).toBe("too near");
  });

  it("give way to another reason only when that has held, and they were read", () => {
    const linger = new Linger();
    linger.say("too dark", 0);
    linger.say("too dark", SETTLE);
    expect(linger.say("too near", SETTLE + 1)).toBe("too dark");
    expect(linger.say("too dark", SETTLE + STAY)).toBe("too dark");
    expect(linger.say("too near", SETTLE + STAY + 1)).toBe("too dark");
    expect(linger.say("too near", 2 * SETTLE + STAY + 1)).toBe("too near");
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
