// The page's numbers against Python's: tests/stage/test_page_math.py writes them, and runs this.
/// <reference types="node" />

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Deformer } from "../src/stage/deform";
import { fitted, keepInside, Places, type Seat, type Size, seat } from "../src/stage/framing";
import { DrawOrder } from "../src/stage/order";
import type { RigPose } from "../src/stage/pose";
import { readShape, type Shape } from "../src/stage/puppet";
import { closeSeat, Shots } from "../src/stage/shots";

interface GoldenFigure {
  pose: Omit<RigPose, "heads" | "angles" | "lengths" | "nearness"> &
    Record<"heads" | "angles" | "lengths" | "nearness", number[]>;
  points: number[];
  order: number[];
  full: number[];
  close: Record<"half" | "head", number[]>;
}

interface Golden {
  pictures: { size: Size; shares: [number, number][]; figures: GoldenFigure[] }[];
}

/** Pixels: both sides compute in doubles; only the textures' places are rounded to floats. */
const CLOSE = 1e-6;
const folder = process.env.BODYDOUBLE_GOLDEN ?? "";
const names = folder
  ? readdirSync(folder).flatMap((file) => (file.endsWith(".puppet") ? [file.slice(0, -7)] : []))
  : [];

function shapeOf(name: string): Shape {
  const file = readFileSync(join(folder, `${name}.puppet`));
  return readShape(file.buffer.slice(file.byteOffset, file.byteOffset + file.length));
}

function poseOf({ pose }: GoldenFigure): RigPose {
  const { heads, angles, lengths, nearness, ...rest } = pose;
  const array = (values: number[]) => Float64Array.from(values);
  return { ...rest, heads: array(heads), angles: array(angles), lengths: array(lengths), nearness: array(nearness) };
}

/** As `corners` of the Python test. */
function corners(points: Float64Array, { scale, x, y }: Seat): number[] {
  const at = (i: number): [number, number] => [
    (points[2 * i] as number) * scale + x,
    (points[2 * i + 1] as number) * scale + y,
  ];
  const all = Array.from({ length: points.length / 2 }, (_, i) => at(i));
  const sides = (pick: (...values: number[]) => number) => [
    pick(...all.map((p) => p[0])),
    pick(...all.map((p) => p[1])),
  ];
  return [...all.filter((_, i) => i % 97 === 0).flat(), ...sides(Math.min), ...sides(Math.max)];
}

function expectClose(found: ArrayLike<number>, wanted: readonly number[], what: string): void {
  expect(found.length, what).toBe(wanted.length);
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) {
    worst = Math.max(
      worst,
      Math.abs((found[i] as number) - (wanted[i] as number)) / Math.max(1, Math.abs(wanted[i] as number)),
    );
  }
  expect(worst, what).toBeLessThan(CLOSE);
}

describe.skipIf(!folder)("as Python has it", () => {
  it("has characters to compare", () => {
    expect(names.length).toBeGreaterThanOrEqual(3);
  });

  it.each(names)("%s is posed and placed", (name) => {
    const shape = shapeOf(name);
    const { pictures } = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Golden;
    const deformer = new Deformer(shape);
    const places = new Places();
    const shots = { half: new Shots(), head: new Shots() };
    let orders = new Map<number, DrawOrder>();
    for (const { size, shares, figures } of pictures) {
      const poses = figures.map(poseOf);
      const found = places.update(poses);
      expectClose(
        found.flatMap((at) => at.slice(0, 2)),
        shares.flat(),
        "places",
      );
      const close = {
        half: shots.half.update(shape.rig, "half", poses, found, size),
        head: shots.head.update(shape.rig, "head", poses, found, size),
      };
      const kept = new Map<number, DrawOrder>();
      figures.forEach((figure, index) => {
        const pose = poses[index] as RigPose;
        const points = deformer.deform(pose);
        expectClose(points, figure.points, "points");
        const order = orders.get(pose.person) ?? new DrawOrder(shape);
        kept.set(pose.person, order);
        order.update(pose);
        expect(order.parts).toEqual(figure.order);
        const [centre, share] = found[index] as readonly [number, number, number];
        const place = fitted(size, shape.rig.reach, centre, share);
        expectClose(corners(points, seat(points, shape.rig, pose, place, size)), figure.full, "full shot");
        for (const framing of ["half", "head"] as const) {
          const at = closeSeat(shape.rig, pose, close[framing][index] as (typeof close)["half"][number]);
          expectClose(corners(points, at), figure.close[framing], `${framing} shot`);
        }
      });
      orders = kept;
    }
  });

  it("keeps boxes of all shapes inside", () => {
    type Case = {
      box: [number, number, number, number];
      foot: [number, number];
      floor: number;
      size: Size;
      kept: number[];
    };
    const cases = JSON.parse(readFileSync(join(folder, "kept.json"), "utf8")) as Case[];
    for (const { box, foot, floor, size, kept } of cases) {
      expectClose(keepInside(box, foot, floor, size), kept, JSON.stringify({ box, foot, size }));
    }
  });
});
