// Half and head shots, with a camera that follows: outputs/shots.py says how and why, and a test compares the two.
//
// Stage pixels, y down; ways of the camera in character heights.

import { keyOf, type Place, RAISED, type Seat, SIDE, type Size, softLimit, TOP } from "./framing";
import type { RigPose } from "./pose";
import type { Rig, View } from "./puppet";

const FOLLOW_SECONDS = 0.6;
const LEASH = 0.12;
const ZOOM_LEASH = 0.12;

interface Followed {
  x: number;
  y: number;
  zoom: number;
  time: number;
}

/** Close shots of figures of one rig; remembers how far the camera has followed each. */
export class Shots {
  private at = new Map<number, Followed>();

  /** The place of each figure, in the order given. shares: as Places gives them. */
  update(
    rig: Rig,
    framing: "half" | "head",
    poses: readonly RigPose[],
    shares: readonly (readonly number[])[],
    size: Size,
  ): Place[] {
    const found = new Map<number, Followed>();
    const places = poses.map((pose, index) => {
      const key = keyOf(pose, index);
      const [centre, share] = shares[index] as readonly [number, number];
      const [followed, place] = follow(this.at.get(key), rig.views[framing], rig, pose, centre, share, size);
      found.set(key, followed);
      return place;
    });
    this.at = found;
    return places;
  }

  /** Forget the figures: the camera is at once where they are. */
  reset(): void {
    this.at.clear();
  }
}

function follow(
  before: Followed | undefined,
  view: View,
  rig: Rig,
  pose: RigPose,
  centre: number,
  share: number,
  size: Size,
): [Followed, Place] {
  const [width, height] = size;
  const tall = view.bottom - view.top;
  const scale = Math.min((height * (1 - TOP)) / tall, (width * share * (1 - 2 * SIDE)) / (2 * view.side));
  const top = TOP * height + RAISED * (height * (1 - TOP) - tall * scale);
  const grown = Math.log(Math.max(pose.size, 1e-6));
  let aimX = 0;
  let aimY = 0;
  for (const bone of view.bones) {
    aimX += (pose.heads[2 * bone] as number) / view.bones.length;
    aimY += (pose.heads[2 * bone + 1] as number) / view.bones.length;
  }
  const wentX = ((aimX - rig.x) * pose.size) / rig.height + pose.offset[0];
  const wentY = ((aimY - rig.floor) * pose.size) / rig.height + pose.offset[1];
  const at: Followed = { x: wentX, y: wentY, zoom: grown, time: pose.time };
  if (before && pose.time >= before.time) {
    const near = 1 - Math.exp(-(pose.time - before.time) / FOLLOW_SECONDS);
    at.x = before.x + near * (wentX - before.x);
    at.y = before.y + near * (wentY - before.y);
    at.zoom = before.zoom + near * (grown - before.zoom);
  }
  at.zoom = grown - leashed(grown - at.zoom, ZOOM_LEASH);
  const shown = scale * Math.exp(-at.zoom);
  const leash = (LEASH * height) / (rig.height * shown);
  at.x = wentX - leashed(wentX - at.x, leash);
  at.y = wentY - leashed(wentY - at.y, leash);
  const x = width * centre + (view.aim[0] - view.x) * scale - at.x * rig.height * shown;
  const floor = top + (view.aim[1] - view.top) * scale - at.y * rig.height * shown;
  return [at, { x, floor, scale: shown }];
}

function leashed(way: number, leash: number): number {
  return Math.sign(way) * softLimit(Math.abs(way), leash, leash / 2);
}

/** Where a figure of a close shot is drawn: nothing is kept inside, the picture's edge cuts it. */
export function closeSeat(rig: Rig, pose: RigPose, place: Place): Seat {
  const heights = rig.height * place.scale;
  const scale = place.scale * pose.size;
  return {
    scale,
    x: place.x + pose.offset[0] * heights - rig.x * scale,
    y: place.floor + pose.offset[1] * heights - rig.floor * scale,
  };
}
