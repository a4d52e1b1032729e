/** Draws people's skeletons over the camera's picture: the one followed in full, others dim, doubtful points faded. */

import type { People, Person } from "../messages";
import { type Box, onScreen } from "./geometry";
import { edgesOf } from "./skeletons";

/** Colours of the lines by side of the body, of other people, and of the dark rim that shows on a bright picture. */
export interface Colours {
  left: string;
  right: string;
  middle: string;
  other: string;
  rim: string;
}

/** Scores below the first are not drawn, above the second in full. */
const UNSEEN = 0.15;
const SEEN = 0.6;
/** Line width as a share of the picture's height: 3 pixels at 270. */
const WIDTH = 1 / 90;

/** How strongly a point is drawn, 0..1, by its score. */
export function strength(score: number): number {
  return Math.min(1, Math.max(0, (score - UNSEEN) / (SEEN - UNSEEN)));
}

/** The part of a 2D context that is drawn with. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "arc"
  | "stroke"
  | "fill"
  | "globalAlpha"
  | "lineWidth"
  | "strokeStyle"
  | "fillStyle"
  | "lineCap"
>;

/** Draws all people, the followed ones last. picture: where the camera's picture lies, in the pen's pixels. */
export function drawPeople(pen: Pen, people: People, picture: Box, mirror: boolean, colours: Colours): void {
  const width = Math.max(1.5, picture.height * WIDTH);
  pen.lineCap = "round";
  for (const person of [...people.people].sort((a, b) => a.followed - b.followed)) {
    drawPerson(pen, person, picture, mirror, colours, width);
  }
  pen.globalAlpha = 1;
}

function drawPerson(pen: Pen, person: Person, picture: Box, mirror: boolean, colours: Colours, width: number): void {
  const whole = person.followed ? 1 : 0.45;
  const at = (i: number) => onScreen(person.points[2 * i] ?? 0, person.points[2 * i + 1] ?? 0, picture, mirror);
  const seen = (i: number) => strength(person.scores[i] ?? 0);
  for (const [a, b, side] of edgesOf(person.point_count)) {
    const alpha = whole * Math.min(seen(a), seen(b));
    if (alpha <= 0.02) continue;
    const [from, to] = [at(a), at(b)];
    const colour = side > 0 ? colours.left : side < 0 ? colours.right : colours.middle;
    pen.globalAlpha = alpha;
    for (const [stroke, thick] of [
      [colours.rim, width * 1.8],
      [person.followed ? colour : colours.other, width],
    ] as const) {
      pen.strokeStyle = stroke;
      pen.lineWidth = thick;
      pen.beginPath();
      pen.moveTo(from.x, from.y);
      pen.lineTo(to.x, to.y);
      pen.stroke();
    }
  }
  for (let i = 0; i < person.point_count; i += 1) {
    const alpha = whole * seen(i);
    if (alpha <= 0.02) continue;
    const { x, y } = at(i);
    pen.globalAlpha = alpha;
    pen.fillStyle = person.followed ? colours.middle : colours.other;
    pen.beginPath();
    pen.arc(x, y, width * 0.85, 0, 2 * Math.PI);
    pen.fill();
  }
}
