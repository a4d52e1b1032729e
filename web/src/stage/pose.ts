// One character's bones at one time, in arrays that are written over picture after picture.

/**
 * As RigPose of types.py: heads (B, 2) character pixels; angles (B) radians from rest; lengths (B) over rest length;
 * nearness (B) character pixels; offset in character heights; blink 0 eyes open .. 1 shut; time in seconds.
 */
export interface RigPose {
  heads: Float64Array;
  angles: Float64Array;
  lengths: Float64Array;
  nearness: Float64Array;
  offset: [number, number];
  size: number;
  blink: number;
  person: number;
  time: number;
}

/** A pose with room for so many bones. */
export function emptyPose(bones: number): RigPose {
  return {
    heads: new Float64Array(2 * bones),
    angles: new Float64Array(bones),
    lengths: new Float64Array(bones).fill(1),
    nearness: new Float64Array(bones),
    offset: [0, 0],
    size: 1,
    blink: 0,
    person: -1,
    time: 0,
  };
}
