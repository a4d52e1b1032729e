// Moves the points of a puppet with its bones: characters/deform.py says how and why, and a test compares the two.
//
// Character pixels, y down. What is needed for a picture is allotted once.

import type { RigPose } from "./pose";
import type { Shape } from "./puppet";

const INFLUENCES = 4;
const LEAST_NORM = 1e-9;

/** Moves one puppet's points. */
export class Deformer {
  /** (N, 2) the points as last moved. */
  readonly points: Float64Array;
  private readonly unit: Float64Array;
  private readonly rest: Float64Array;
  private readonly turn: Float64Array;
  private readonly move: Float64Array;
  private readonly raised: Float64Array;

  constructor(private readonly shape: Shape) {
    const bones = shape.rig.parents.length;
    this.points = new Float64Array(shape.points.length);
    this.raised = shape.lids ? new Float64Array(shape.points.length) : shape.points;
    this.unit = new Float64Array(2 * bones);
    this.rest = new Float64Array(2 * bones);
    this.turn = new Float64Array(2 * bones);
    this.move = new Float64Array(2 * bones);
    const { heads, tails } = shape.rig;
    for (let bone = 0; bone < bones; bone++) {
      const x = (tails[2 * bone] as number) - (heads[2 * bone] as number);
      const y = (tails[2 * bone + 1] as number) - (heads[2 * bone + 1] as number);
      const length = Math.max(Math.hypot(x, y), LEAST_NORM);
      this.unit[2 * bone] = x / length;
      this.unit[2 * bone + 1] = y / length;
    }
  }

  /** The points as the pose has them; the same array each time. */
  deform(pose: RigPose): Float64Array {
    this.stretchHeads(pose.lengths);
    this.moveBones(pose);
    if (this.shape.lids) this.raiseLids(pose.blink);
    this.movePoints(pose.lengths);
    return this.points;
  }

  /** Heads in the rest pose with every bone at its drawn length. */
  private stretchHeads(lengths: Float64Array): void {
    const { heads, parents } = this.shape.rig;
    const { rest, unit } = this;
    rest.set(heads);
    for (let bone = 0; bone < parents.length; bone++) {
      const parent = parents[bone] as number;
      if (parent < 0) continue;
      const x = (heads[2 * bone] as number) - (heads[2 * parent] as number);
      const y = (heads[2 * bone + 1] as number) - (heads[2 * parent + 1] as number);
      const ux = unit[2 * parent] as number;
      const uy = unit[2 * parent + 1] as number;
      const along = (x * ux + y * uy) * ((lengths[parent] as number) - 1);
      rest[2 * bone] = (rest[2 * parent] as number) + x + along * ux;
      rest[2 * bone + 1] = (rest[2 * parent + 1] as number) + y + along * uy;
    }
  }

  /** Each bone's rigid motion as a unit dual complex number: half a turn, and a move. */
  private moveBones(pose: RigPose): void {
    const { rest, turn, move } = this;
    for (let bone = 0; bone < pose.angles.length; bone++) {
      const half = (pose.angles[bone] as number) / 2;
      const c = Math.cos(half);
      const s = Math.sin(half);
      const cc = c * c - s * s;
      const ss = 2 * c * s;
      const rx = rest[2 * bone] as number;
      const ry = rest[2 * bone + 1] as number;
      const x = (pose.heads[2 * bone] as number) - (cc * rx - ss * ry);
      const y = (pose.heads[2 * bone + 1] as number) - (ss * rx + cc * ry);
      turn[2 * bone] = c;
      turn[2 * bone + 1] = s;
      move[2 * bone] = x * c + y * s;
      move[2 * bone + 1] = y * c - x * s;
    }
  }

  private raiseLids(blink: number): void {
    const { points, drop } = this.shape;
    const { raised } = this;
    raised.set(points);
    for (let i = 0; i < drop.length; i++)
      raised[2 * i + 1] = (points[2 * i + 1] as number) - (1 - blink) * (drop[i] as number);
  }

  private movePoints(lengths: Float64Array): void {
    const { columns, weights, rig } = this.shape;
    const { points, raised, rest, unit, turn, move } = this;
    const heads = rig.heads;
    const count = points.length / 2;
    for (let i = 0; i < count; i++) {
      const px = raised[2 * i] as number;
      const py = raised[2 * i + 1] as number;
      let vx = 0;
      let vy = 0;
      let ax = 0;
      let ay = 0;
      let bx = 0;
      let by = 0;
      for (let j = INFLUENCES * i; j < INFLUENCES * (i + 1); j++) {
        const weight = weights[j] as number;
        if (weight === 0) continue;
        const bone = columns[j] as number;
        const at = 2 * bone;
        const dx = px - (heads[at] as number);
        const dy = py - (heads[at + 1] as number);
        const ux = unit[at] as number;
        const uy = unit[at + 1] as number;
        const along = (dx * ux + dy * uy) * ((lengths[bone] as number) - 1);
        vx += weight * ((rest[at] as number) + dx + along * ux);
        vy += weight * ((rest[at + 1] as number) + dy + along * uy);
        ax += weight * (turn[at] as number);
        ay += weight * (turn[at + 1] as number);
        bx += weight * (move[at] as number);
        by += weight * (move[at + 1] as number);
      }
      const norm = Math.max(ax * ax + ay * ay, LEAST_NORM);
      const sx = ax * vx - ay * vy + bx;
      const sy = ax * vy + ay * vx + by;
      points[2 * i] = (ax * sx - ay * sy) / norm;
      points[2 * i + 1] = (ax * sy + ay * sx) / norm;
    }
  }
}
