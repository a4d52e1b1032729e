// Where a figure goes in the picture: outputs/framing.py says how and why, and a test compares the two.
//
// Stage pixels, y down.

import type { RigPose } from "./pose";
import type { Rig } from "./puppet";

/** Shares of the picture: as in framing.py. */
export const TOP = 0.06;
export const SIDE = 0.06;
export const RAISED = 0.4;
const FLOOR = 0.08;
const EDGE = 3;
const KNEE = 0.05;
const WIDE_KNEE = 0.1;
const MOVE_SECONDS = 0.35;
const LEAST_SHARE = 0.02;
const UNTRACKED = -1;

/** Width and height in stage pixels. */
export type Size = readonly [number, number];

/** A figure's place: the middle of its feet in stage pixels, and stage pixels a character pixel. */
export interface Place {
  x: number;
  floor: number;
  scale: number;
}

/** Character pixels to stage pixels: times `scale`, plus (x, y). */
export interface Seat {
  scale: number;
  x: number;
  y: number;
}

/** The place of a character in a picture; centre: its middle and share: its width, in widths of the picture. */
export function fitted(size: Size, reach: readonly [number, number], centre = 0.5, share = 1): Place {
  const [width, height] = size;
  const [side, up] = reach;
  const high = height * (1 - TOP - FLOOR);
  const scale = Math.min(high / up, (width * share * (1 - 2 * SIDE)) / (2 * side));
  return { x: width * centre, floor: height * (1 - FLOOR) - RAISED * (high - up * scale), scale };
}

/** `value` as it is until `knee` before `limit`, then ever slower towards the limit. */
export function softLimit(value: number, limit: number, knee: number): number {
  const begin = limit - knee;
  if (value <= begin || knee <= 0) return Math.min(value, limit);
  return limit - knee * Math.exp((begin - value) / knee);
}

/** `value` eased to stay between `low` and `high`; their middle if there is nothing between. */
export function softBetween(value: number, low: number, high: number, knee: number): number {
  if (high <= low) return (low + high) / 2;
  const soft = Math.min(knee, (high - low) / 4);
  return -softLimit(-softLimit(value, high, soft), -low, soft);
}

/** Where a figure of the full shot is drawn. points: (N, 2) all that must stay inside, beside the pose's heads. */
export function seat(points: Float64Array, rig: Rig, pose: RigPose, place: Place, size: Size): Seat {
  const scale = place.scale * pose.size;
  const heights = rig.height * place.scale;
  const box = boxOf(points, pose.heads);
  box[0] = (box[0] - rig.x) * scale;
  box[1] = (box[1] - rig.floor) * scale;
  box[2] = (box[2] - rig.x) * scale;
  box[3] = (box[3] - rig.floor) * scale;
  const foot: [number, number] = [place.x + pose.offset[0] * heights, place.floor + pose.offset[1] * heights];
  const [shrink, x, y] = keepInside(box, foot, place.floor, size);
  return { scale: scale * shrink, x: x - rig.x * scale * shrink, y: y - rig.floor * scale * shrink };
}

/** How much smaller a figure is drawn, and where its foot stands, to stay inside. box: left, top, right, bottom. */
export function keepInside(
  box: readonly [number, number, number, number],
  foot: readonly [number, number],
  floor: number,
  size: Size,
): [shrink: number, x: number, y: number] {
  const [width, height] = size;
  const [left, top, right, bottom] = box;
  const wide = Math.max(right - left, 1e-6);
  const most = width - 2 * EDGE;
  let shrink = softLimit(wide, most, WIDE_KNEE * most) / wide;
  const highest = foot[1] + top * shrink;
  const wanted = -softLimit(-highest, -EDGE, KNEE * height);
  let y = foot[1] + Math.max(0, Math.min(wanted - highest, floor - foot[1]));
  const tall = -top * shrink;
  if (tall > 0 && y - tall < wanted) shrink *= Math.max(y - wanted, 1) / tall;
  const lowest = y + bottom * shrink;
  y += softLimit(lowest, height - EDGE, Math.min(KNEE, FLOOR / 2) * height) - lowest;
  if (tall > 0 && y + top * shrink < EDGE) shrink = Math.max(y - EDGE, 1) / -top;
  const half = (wide * shrink) / 2;
  const middle = foot[0] + ((left + right) / 2) * shrink;
  const kept = softBetween(middle, EDGE + half, width - EDGE - half, KNEE * width);
  return [shrink, foot[0] + kept - middle, y];
}

function boxOf(points: Float64Array, heads: Float64Array): [number, number, number, number] {
  let left = Infinity;
  let top = Infinity;
  let right = -Infinity;
  let bottom = -Infinity;
  for (const some of [points, heads]) {
    for (let i = 0; i < some.length; i += 2) {
      const x = some[i] as number;
      const y = some[i + 1] as number;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
  }
  return [left, top, right, bottom];
}

/** A figure's part of the picture: its centre and share of the width, and when it was there. */
export type Share = readonly [centre: number, share: number, time: number];

/** What tells one figure of a picture from another, from picture to picture. */
export function keyOf(pose: RigPose, index: number): number {
  return pose.person !== UNTRACKED ? pose.person : -1 - index;
}

/** Figures side by side; who comes grows into the room that the others make, slowly. */
export class Places {
  private at = new Map<number, Share>();

  /** Centre and share of the picture's width for each figure, in the order given. */
  update(poses: readonly RigPose[]): Share[] {
    const count = Math.max(poses.length, 1);
    const found: (Share | undefined)[] = poses.map((pose, index) => {
      const before = this.at.get(keyOf(pose, index));
      if (!before || pose.time < before[2]) return undefined;
      const near = 1 - Math.exp(-(pose.time - before[2]) / MOVE_SECONDS);
      const centre = before[0] + near * ((index + 0.5) / count - before[0]);
      return [centre, before[1] + near * (1 / count - before[1]), pose.time];
    });
    const filled = poses.map((pose, index) => found[index] ?? newcomer(found, index, pose.time));
    this.at = new Map(poses.map((pose, index) => [keyOf(pose, index), filled[index] as Share]));
    return filled;
  }

  /** Forget where figures were. */
  reset(): void {
    this.at.clear();
  }
}

/** The place of one who was not there: newcomers share what room there is between those who were. */
function newcomer(found: readonly (Share | undefined)[], index: number, time: number): Share {
  let before = index - 1;
  while (before >= 0 && !found[before]) before--;
  let after = index + 1;
  while (after < found.length && !found[after]) after++;
  const [leftCentre, leftShare] = found[before] ?? [0, 0];
  const [rightCentre, rightShare] = found[after] ?? [1, 0];
  const left = leftCentre + leftShare / 2;
  const room = (rightCentre - rightShare / 2 - left) / (after - before - 1);
  return [left + (index - before - 0.5) * room, Math.max(room, LEAST_SHARE), time];
}
