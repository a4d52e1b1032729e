// What a figure does between two motions and after the last one, at the rate that a display draws.
//
// Seconds on the program's clock; character pixels, radians. A motion is taken up when it comes: what is shown follows
// it at the speed it had, and what it was off by is made good within one interval, so nothing waits for a motion to
// come and nothing jumps when it has (dead reckoning, as networked games do it). A limb that slows down is taken to go
// on slowing down, so it does not shoot past where it stops. Without motions a figure comes to rest.

import type { Figure } from "../messages";
import { emptyPose, type RigPose } from "./pose";
import type { Rig } from "./puppet";

/** Seconds between motions: between these, whatever is measured. */
const SHORTEST = 1 / 120;
const LONGEST = 0.15;
/** Seconds after which a figure that was not seen is where it is, without having moved there. */
const GONE = 0.4;
/** Share of a measured interval or delay that is believed. */
const BELIEF = 0.1;
/** Seconds by which a delay is off that something else is going on: a camera was changed, a program has hung. */
const ANOTHER = 0.3;
/** Shares of an interval: how far ahead a speed is trusted, and the time constant in which it is lost after that. */
const TRUSTED = 1;
const COAST = 0.35;
/** Time constants of COAST after which a figure is at rest. */
const RESTED = 6;
/**
 * Chosen on motion capture of a dance and a wave, 30 motions a second drawn at 60 and 144 Hz, with and without noise: half
 * the error of waiting for the next motion (8 against 17 character pixels in the dance) and half the jerks of holding the
 * last one; noise is drawn a fifth calmer than it comes. An arm that stops dead goes on for 14 ms of its speed on average,
 * one that stops within 70 ms for 2 ms.
 * FOLLOWED: share of the expected speed that is gone on with. MENDED: intervals in which an error is made good.
 */
const FOLLOWED = 0.8;
const MENDED = 0.75;
/** Speeds that are half taken for noise: radians, ratios or character heights a second. Noise is not carried on. */
const QUIET_TURN = 0.3;
const QUIET_RATIO = 0.3;
const QUIET_WAY = 0.1;

/** When motions come: how far apart, and how long after the moment that they are for. One for all figures of a link. */
export class Cadence {
  /** Seconds between motions. */
  interval = 1 / 30;
  private delay: number | undefined;
  private time = -Infinity;

  /** A motion for `time` has come at `now`. Returns when it is due: its time and the usual delay. */
  heard(time: number, now: number): number {
    const step = time - this.time;
    this.time = time;
    if (step > 0 && step < GONE) {
      this.interval += BELIEF * (Math.min(Math.max(step, SHORTEST), LONGEST) - this.interval);
    }
    const delay = now - time;
    if (this.delay === undefined || Math.abs(delay - this.delay) > ANOTHER) this.delay = delay;
    else this.delay += BELIEF * (delay - this.delay);
    return time + this.delay;
  }
}

/** One figure's motion. */
export class Mover {
  readonly pose: RigPose;
  private readonly target: Float64Array;
  private readonly last: Float64Array;
  private readonly speed: Float64Array;
  private readonly ahead: Float64Array;
  private readonly error: Float64Array;
  private readonly quiet: Float64Array;
  private readonly along: Float64Array;
  private readonly bones: number;
  private fresh = true;
  private time = -Infinity;
  private due = 0;
  private came = 0;
  private interval = 1 / 30;

  constructor(private readonly rig: Rig) {
    const bones = rig.parents.length;
    this.bones = bones;
    this.pose = emptyPose(bones);
    const channels = 5 * bones + 4;
    this.target = new Float64Array(channels);
    this.last = new Float64Array(channels);
    this.speed = new Float64Array(channels);
    this.ahead = new Float64Array(channels);
    this.error = new Float64Array(channels);
    this.quiet = new Float64Array(channels).fill(QUIET_WAY);
    this.quiet.fill(QUIET_TURN, 0, bones);
    this.quiet.fill(QUIET_RATIO, bones, 2 * bones);
    this.quiet.fill(QUIET_WAY * rig.height, 2 * bones, 5 * bones);
    this.along = axes(rig);
  }

  /** The figure has this motion: for `time`, due at `due`, come at `now`; motions are `interval` apart. */
  take(figure: Figure, time: number, due: number, now: number, interval: number): void {
    const { target, last, speed, ahead, error } = this;
    const step = time - this.time;
    const known = !this.fresh && step > 0 && step < GONE;
    if (!this.fresh) this.show(now, last);
    const before = known ? Float64Array.from(target) : target;
    this.write(figure);
    for (let i = 0; i < target.length; i++) {
      const turns = i < this.bones;
      const was = speed[i] as number;
      const is = known ? away(target[i] as number, before[i] as number, turns) / step : 0;
      speed[i] = is;
      ahead[i] = FOLLOWED * expected(is, was, this.quiet[i] as number);
    }
    Object.assign(this, { time, due, came: now, interval });
    if (this.fresh) {
      error.fill(0);
      this.fresh = false;
      return;
    }
    const wanted = this.reached(now);
    for (let i = 0; i < target.length; i++) {
      const there = (target[i] as number) + (ahead[i] as number) * wanted;
      error[i] = away(last[i] as number, there, i < this.bones);
    }
  }

  /** Go to where the figure is without moving there: it was not looked at. */
  snap(): void {
    this.error.fill(0);
  }

  /** Whether nothing moves any more at `now` without another motion. */
  settled(now: number): boolean {
    return now > this.came + this.interval && now > this.due + this.interval * (TRUSTED + RESTED * COAST);
  }

  /** The pose at `now`; the same object each time. */
  at(now: number): RigPose {
    const { pose, bones, last } = this;
    this.show(now, last);
    pose.angles.set(last.subarray(0, bones));
    pose.lengths.set(last.subarray(bones, 2 * bones));
    pose.nearness.set(last.subarray(2 * bones, 3 * bones));
    pose.heads.set(last.subarray(3 * bones, 5 * bones));
    carry(this.rig.parents, this.along, pose);
    const rest = 5 * bones;
    pose.offset[0] = last[rest] as number;
    pose.offset[1] = last[rest + 1] as number;
    pose.size = Math.max(last[rest + 2] as number, 0);
    pose.blink = Math.min(Math.max(last[rest + 3] as number, 0), 1);
    pose.time = now;
    return pose;
  }

  /** The figure's numbers in a row: angles, lengths, nearness, what the heads are beside their parents, the rest. */
  private write(figure: Figure): void {
    const { target, bones, pose } = this;
    target.set(figure.angles, 0);
    target.set(figure.lengths, bones);
    target.set(figure.nearness, 2 * bones);
    pose.angles.set(figure.angles);
    pose.lengths.set(figure.lengths);
    for (let bone = 0; bone < bones; bone++) {
      const root = (this.rig.parents[bone] as number) < 0;
      pose.heads[2 * bone] = root ? (figure.heads[2 * bone] as number) : 0;
      pose.heads[2 * bone + 1] = root ? (figure.heads[2 * bone + 1] as number) : 0;
    }
    carry(this.rig.parents, this.along, pose);
    for (let i = 0; i < 2 * bones; i++) {
      const root = (this.rig.parents[i >> 1] as number) < 0;
      target[3 * bones + i] = (figure.heads[i] as number) - (root ? 0 : (pose.heads[i] as number));
    }
    target[5 * bones] = figure.offset[0];
    target[5 * bones + 1] = figure.offset[1];
    target[5 * bones + 2] = figure.size;
    target[5 * bones + 3] = figure.blink / 255;
    pose.person = figure.person;
  }

  /** All numbers at `now`. */
  private show(now: number, into: Float64Array): void {
    const { target, ahead, error } = this;
    const wanted = this.reached(now);
    const left = fade((now - this.came) / (MENDED * this.interval));
    for (let i = 0; i < target.length; i++) {
      into[i] = (target[i] as number) + (ahead[i] as number) * wanted + (error[i] as number) * left;
    }
  }

  /** Seconds of the motion's own speed that are gone through at `now`. */
  private reached(now: number): number {
    const age = now - this.due;
    const trusted = TRUSTED * this.interval;
    if (age <= trusted) return Math.max(age, -this.interval);
    const coast = COAST * this.interval;
    return trusted + coast * (1 - Math.exp((trusted - age) / coast));
  }
}

/** The way from `from` to `to`; of an angle the short one. */
function away(to: number, from: number, turns: boolean): number {
  const way = to - from;
  return turns ? way - 2 * Math.PI * Math.round(way / (2 * Math.PI)) : way;
}

/** The speed to go on with: never faster than now, slower yet if it was slowing down, and none that is only noise. */
function expected(is: number, was: number, quiet: number): number {
  const slower = Math.max(0, Math.abs(was) - Math.abs(is));
  const speed = is * was < 0 ? Math.abs(is) / 2 : Math.max(0, Math.abs(is) - slower);
  return (Math.sign(is) * speed ** 3) / (speed * speed + quiet * quiet);
}

/** 1 at 0, 0 from 1 on, without a kink at either end. */
function fade(share: number): number {
  if (share >= 1) return 0;
  const rest = 1 - Math.max(share, 0);
  return rest * rest * (3 - 2 * rest);
}

/** For each bone, where it starts at rest along and beside its parent, and the parent's direction: four numbers. */
function axes(rig: Rig): Float64Array {
  const { heads, tails, parents } = rig;
  const found = new Float64Array(4 * parents.length);
  parents.forEach((parent, bone) => {
    if (parent < 0) return;
    const ux = (tails[2 * parent] as number) - (heads[2 * parent] as number);
    const uy = (tails[2 * parent + 1] as number) - (heads[2 * parent + 1] as number);
    const x = (heads[2 * bone] as number) - (heads[2 * parent] as number);
    const y = (heads[2 * bone + 1] as number) - (heads[2 * parent + 1] as number);
    const length = Math.max(Math.hypot(ux, uy), 1e-9);
    found.set([(x * ux + y * uy) / length, (y * ux - x * uy) / length, ux / length, uy / length], 4 * bone);
  });
  return found;
}

/** Rig.posed_heads of types.py: adds to each head where its parent carries it. */
function carry(parents: readonly number[], along: Float64Array, pose: RigPose): void {
  const { heads, angles, lengths } = pose;
  for (let bone = 0; bone < parents.length; bone++) {
    const parent = parents[bone] as number;
    if (parent < 0) continue;
    const far = (along[4 * bone] as number) * (lengths[parent] as number);
    const beside = along[4 * bone + 1] as number;
    const ux = along[4 * bone + 2] as number;
    const uy = along[4 * bone + 3] as number;
    const c = Math.cos(angles[parent] as number);
    const s = Math.sin(angles[parent] as number);
    const x = far * ux - beside * uy;
    const y = far * uy + beside * ux;
    heads[2 * bone] = (heads[2 * bone] as number) + (heads[2 * parent] as number) + c * x - s * y;
    heads[2 * bone + 1] = (heads[2 * bone + 1] as number) + (heads[2 * parent + 1] as number) + s * x + c * y;
  }
}
