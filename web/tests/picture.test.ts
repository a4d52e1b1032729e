// What the control page shows of the camera: places in the picture, skeletons, sizes.

import { describe, expect, it } from "vitest";
import { constraints, longestOf, sentSize } from "../src/control/camera_frames";
import { insecure, reason } from "../src/control/camera_words";
import { contain, inPicture, middle, onScreen } from "../src/control/geometry";
import { fits, madeSize } from "../src/control/shrink";
import { edgesOf, LAYOUTS } from "../src/control/skeletons";
import skeletons from "./skeletons.json";

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
