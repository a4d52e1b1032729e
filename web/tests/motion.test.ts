import { describe, expect, it } from "vitest";
import type { Figure } from "../src/messages";
import { Cadence, Mover } from "../src/stage/motion";
import type { Rig } from "../src/stage/puppet";

const RATE = 30;
const DISPLAY = 120;
const LAG = 0.05;

/** Two bones in a row, each 100 pixels long. */
const rig: Rig = {
  names: ["upper", "lower"],
  parents: [-1, 0],
  floor: 300,
  height: 300,
  x: 0,
  reach: [200, 300],
  feet: [0],
  views: {
    half: { top: 0, bottom: 1, side: 1, bones: [0], aim: [0, 0], x: 0 },
    head: { top: 0, bottom: 1, side: 1, bones: [0], aim: [0, 0], x: 0 },
  },
  heads: Float64Array.of(0, 0, 100, 0),
  tails: Float64Array.of(100, 0, 200, 0),
};

function figure(angle: number, length = 1): Figure {
  return {
    person: 1,
    state: 0,
    blink: 0,
    bone_count: 2,
    offset: [0, 0],
    size: 1,
    facing: 0,
    heads: Float32Array.of(0, 0, 100 * length * Math.cos(angle), 100 * length * Math.sin(angle)),
    angles: Float32Array.of(angle, angle),
    lengths: Float32Array.of(length, 1),
    nearness: Float32Array.of(0, 0),
  };
}

/** What is shown of a motion that comes as `angle` of its time says, at a display's rate. */
function shown(angle: (time: number) => number, seconds: number, late = (_step: number) => LAG): [number, number][] {
  const cadence = new Cadence();
  const mover = new Mover(rig);
  const found: [number, number][] = [];
  let step = 0;
  for (let picture = 0; picture < seconds * DISPLAY; picture++) {
    const now = picture / DISPLAY;
    while (step / RATE + late(step) <= now) {
      const time = step / RATE;
      const came = time + late(step);
      mover.take(figure(angle(time)), time, cadence.heard(time, came), came, cadence.interval);
      step += 1;
    }
    if (step > 3) found.push([now, mover.at(now).angles[0] as number]);
  }
  return found;
}

describe("motion between motions", () => {
  it("is the motion itself when it has just come and nothing moves", () => {
    const mover = new Mover(rig);
    mover.take(figure(0.3, 0.7), 1, 1.05, 1.05, 1 / RATE);
    const pose = mover.at(1.05);
    expect(pose.angles[1]).toBeCloseTo(0.3, 6);
    expect(pose.heads[2]).toBeCloseTo(70 * Math.cos(0.3), 4);
    expect(pose.heads[3]).toBeCloseTo(70 * Math.sin(0.3), 4);
    expect(mover.settled(1.06)).toBe(false);
    expect(mover.settled(1.3)).toBe(true);
  });

  it("keeps an even turn even, and is not late", () => {
    const turned = shown((time) => 2 * time, 2).filter(([now]) => now > 0.5);
    const errors = turned.map(([now, angle]) => angle - 2 * (now - LAG));
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(2 * 0.4 * (1 / RATE));
    const steps = turned.slice(1).map(([, angle], i) => angle - (turned[i] as [number, number])[1]);
    expect(Math.min(...steps)).toBeGreaterThan(0);
  });

  it("never jumps, though motions come unevenly", () => {
    const late = (step: number): number => LAG + 0.012 * Math.sin(step * 2.4);
    const swing = (time: number): number => Math.sin(2 * Math.PI * time);
    const swung = shown(swing, 3, late);
    const steps = swung.slice(1).map(([, angle], i) => Math.abs(angle - (swung[i] as [number, number])[1]));
    expect(Math.max(...steps)).toBeLessThan(3 * ((2 * Math.PI) / DISPLAY));
  });

  it("does not shoot past where a limb slows down and stops", () => {
    const speed = 3;
    const until = 0.07;
    const angle = (time: number): number => {
      const after = Math.min(Math.max(time - 1, 0), until);
      return speed * (Math.min(time, 1) + after - after ** 2 / (2 * until));
    };
    const most = Math.max(...shown(angle, 2).map(([, found]) => found));
    expect(most - angle(2)).toBeLessThan(speed * 0.006);
    expect(shown(angle, 2).at(-1)?.[1]).toBeCloseTo(angle(2), 3);
  });

  it("comes to rest when no more motions come, not far from the last", () => {
    const cadence = new Cadence();
    const mover = new Mover(rig);
    for (let step = 0; step < 10; step++) {
      const now = step / RATE + LAG;
      mover.take(figure(step / RATE), step / RATE, cadence.heard(step / RATE, now), now, cadence.interval);
    }
    const end = 9 / RATE;
    const held = mover.at(10).angles[0] as number;
    expect(held).toBeGreaterThan(end);
    expect(held - end).toBeLessThan(1.5 / RATE);
    expect(mover.settled(10)).toBe(true);
    expect(mover.at(20).angles[0]).toBeCloseTo(held, 6);
  });

  it("takes the short way round when an angle is counted anew", () => {
    const mover = new Mover(rig);
    mover.take(figure(3), 0, 0.05, 0.05, 1 / RATE);
    mover.take(figure(3.1 - 2 * Math.PI), 1 / RATE, 0.05 + 1 / RATE, 0.05 + 1 / RATE, 1 / RATE);
    const angle = mover.at(0.05 + 1 / RATE).angles[0] as number;
    expect(Math.cos(angle - 3)).toBeGreaterThan(0.99);
    const later = mover.at(0.05 + 1.9 / RATE).angles[0] as number;
    expect(Math.cos(later - 3.1)).toBeGreaterThan(0.98);
  });

  it("glides to what nobody expected, within one interval", () => {
    const mover = new Mover(rig);
    mover.take(figure(0), 0, 0, 0, 1 / RATE);
    mover.take(figure(0), 1 / RATE, 1 / RATE, 1 / RATE, 1 / RATE);
    mover.take(figure(0.1), 10, 10, 10, 1 / RATE); // no speed is known after so long
    const shares = [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => (mover.at(10 + share / RATE).angles[0] as number) / 0.1);
    expect(shares[0]).toBeCloseTo(0, 6);
    expect(shares[1]).toBeLessThan(0.3);
    expect(shares[5]).toBeCloseTo(1, 6);
    for (let i = 1; i < shares.length; i++) expect(shares[i]).toBeGreaterThan((shares[i - 1] as number) - 1e-6);
  });

  it("is where it belongs after nobody looked", () => {
    const mover = new Mover(rig);
    mover.take(figure(0), 0, 0, 0, 1 / RATE);
    mover.take(figure(2), 10, 10, 10, 1 / RATE);
    expect(mover.at(10).angles[0]).toBeCloseTo(0, 6);
    mover.snap();
    expect(mover.at(10).angles[0]).toBeCloseTo(2, 6);
  });
});
