// Which part is drawn after which: draw_order of characters/deform.py, and a test compares the two.

import type { RigPose } from "./pose";
import type { Part, Shape } from "./puppet";

const GOES_BEHIND = -0.09;
const COMES_BACK = -0.04;
const LEAST_LID = 0.15;
const HALF_SHUT = 0.5;

/** Whether a part is drawn while the eyes are shut as far as `blink`. */
export function isShown(part: Part, blink: number): boolean {
  if (part.shown === "") return true;
  if (part.shown === "lid") return blink >= LEAST_LID;
  return blink < HALF_SHUT === (part.shown === "open");
}

/** The draw order of one figure; remembers which limbs were behind the body, so that none flickers at the border. */
export class DrawOrder {
  /** The parts that are drawn, hindmost first; another array whenever the order changes. */
  parts: number[] = [];
  private readonly behind: boolean[];

  constructor(private readonly shape: Shape) {
    this.behind = shape.parts.map(() => false);
  }

  /** Takes a pose; true if the order is another one than before. */
  update(pose: RigPose): boolean {
    const { parts, rig } = this.shape;
    parts.forEach((part, index) => {
      if (part.behind === null) return;
      let nearness = 0;
      for (const bone of part.limb) nearness += pose.nearness[bone] as number;
      this.behind[index] = nearness / part.limb.length < (this.behind[index] ? COMES_BACK : GOES_BEHIND) * rig.height;
    });
    const depth = (index: number): number => {
      const part = parts[index] as Part;
      return this.behind[index] && part.behind !== null ? part.behind : part.order;
    };
    const order = parts.flatMap((part, index) => (isShown(part, pose.blink) ? [index] : []));
    order.sort((a, b) => depth(a) - depth(b) || a - b);
    if (order.length === this.parts.length && order.every((part, index) => part === this.parts[index])) return false;
    this.parts = order;
    return true;
  }
}
