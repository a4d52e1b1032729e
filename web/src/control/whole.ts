/** Whether all of a person is in the picture, as a calibration wants it: from the head to the feet. */

import type { People } from "../messages";
import { endsOf } from "./skeletons";

/** Scores from which an end of the body counts as seen: the models are this sure of feet in shoes on a dark floor. */
const SEEN = 0.5;
/** Fractions of the picture within its edges: a foot reaches below its ankle, a head above its nose. */
const WITHIN = 0.02;

/** Whether the person who is followed is seen whole. Points are fractions of the picture. */
export function wholeIn(people: People): boolean {
  const person = people.people.find((one) => one.followed === 1);
  if (!person) return false;
  const ends = endsOf(person.point_count);
  const inside = (value: number | undefined) => value !== undefined && value > WITHIN && value < 1 - WITHIN;
  return (
    ends.length > 0 &&
    ends.every(
      (at) => (person.scores[at] ?? 0) >= SEEN && inside(person.points[2 * at]) && inside(person.points[2 * at + 1]),
    )
  );
}
