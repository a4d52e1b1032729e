// What the control page says: figures, names, lists, sentences.

import { describe, expect, it } from "vitest";
import { told } from "../src/control/conditions";
import {
  capital,
  clockTime,
  count,
  fileName,
  milliseconds,
  percent,
  perSecond,
  pictureSize,
  providerName,
} from "../src/control/format";
import { parseSize, ratesOf, sizesOf, USUAL_SIZES } from "../src/control/modes";
import { mayBeCharacter, parcels, type Sent } from "../src/control/uploads";
import type { SourceReport } from "../src/messages";

describe("words", () => {
  it("tells durations", () => {
    expect([0, 5, 65, 3600, 36_061].map(clockTime)).toEqual(["0:00", "0:05", "1:05", "1:00:00", "10:01:01"]);
    expect([-1, Number.NaN, Number.POSITIVE_INFINITY].map(clockTime)).toEqual(["0:00", "0:00", "0:00"]);
  });

  it("tells figures, and a dash where there are none", () => {
    expect([perSecond(29.97), perSecond(0)]).toEqual(["30.0", "–"]);
    expect([providerName("CPUExecutionProvider"), providerName("openvino")]).toEqual(["CPU", "openvino"]);
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

describe("files of a character", () => {
  const sent = (...paths: string[]) => paths.map((path) => ({ path }) as Sent);

  it("are a zip, or have one that tells the joints", () => {
    expect(mayBeCharacter(sent("cat.zip"))).toBe(true);
    expect(mayBeCharacter(sent("cat/texture.png", "cat/char_cfg.yaml"))).toBe(true);
    expect(mayBeCharacter(sent("Puppet.toml", "a.svg"))).toBe(true);
    expect(mayBeCharacter(sent("cat.png", "mask.png"))).toBe(false);
  });
});
