// Whether all of a person is in the picture.

import { describe, expect, it } from "vitest";
import { LAYOUTS } from "../src/control/skeletons";
import { wholeIn } from "../src/control/whole";
import type { People } from "../src/messages";

/** One person of a layout, all points at the middle, some changed. */
function seen(layout: string, changed: { [point: string]: [number, number, number] } = {}, followed = 1): People {
  const points = LAYOUTS.find((one) => one.name === layout)?.points ?? [];
  const of = (name: string) => changed[name] ?? [0.5, 0.5, 0.9];
  const person = {
    person: 1,
    followed,
    point_count: points.length,
    points: Float32Array.from(points.flatMap((name) => of(name).slice(0, 2))),
    scores: Float32Array.from(points.map((name) => of(name)[2] ?? 0)),
  };
  return { people: [person], width: 64, height: 48 } as unknown as People;
}

describe("whole", () => {
  it.each(LAYOUTS.map((layout) => layout.name))("from the head to the feet, %s", (layout) => {
    expect(wholeIn(seen(layout))).toBe(true);
    expect(wholeIn(seen(layout, { left_ankle: [0.5, 0.99, 0.9] }))).toBe(false);
    expect(wholeIn(seen(layout, { right_ankle: [0.5, 0.9, 0.2] }))).toBe(false);
    expect(wholeIn(seen(layout, { nose: [0.5, -0.1, 0.9] }))).toBe(false);
    expect(wholeIn(seen(layout, {}, 0))).toBe(false);
  });

  it("nobody is not", () => {
    expect(wholeIn({ people: [], width: 0, height: 0 } as unknown as People)).toBe(false);
  });
});
