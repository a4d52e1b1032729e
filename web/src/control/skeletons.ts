/**
 * The lines between keypoints, by a layout's count of points; as skeletons.py has them (a test compares the two).
 * Side: -1 the person's right, 1 the left, 0 between.
 */

/** A line between two points, by their indices, and the side of the body that it is on. */
export type Edge = readonly [number, number, -1 | 0 | 1];

/** A keypoint layout: the names of its points in order and its lines by name. */
export interface Layout {
  name: string;
  points: readonly string[];
  edges: readonly (readonly [string, string])[];
}

const swap = (name: string) => (name.includes("left") ? name.replace("left", "right") : name.replace("right", "left"));
const sides = (...pairs: [string, string][]): [string, string][] =>
  pairs.flatMap(([a, b]) => [
    [a, b],
    [swap(a), swap(b)],
  ]);

const TRUNK: [string, string][] = [
  ["left_shoulder", "right_shoulder"],
  ["left_hip", "right_hip"],
];
const LIMBS = sides(
  ["left_shoulder", "left_elbow"],
  ["left_elbow", "left_wrist"],
  ["left_shoulder", "left_hip"],
  ["left_hip", "left_knee"],
  ["left_knee", "left_ankle"],
);
const FACE = sides(["nose", "left_eye"], ["left_eye", "left_ear"]);
const words = (text: string) => text.trim().split(/\s+/);

const COCO_POINTS = words(`nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow
  right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle`);

/** The layouts that models give. */
export const LAYOUTS: readonly Layout[] = [
  { name: "coco-17", points: COCO_POINTS, edges: [...TRUNK, ...LIMBS, ...FACE] },
  {
    name: "blazepose-33",
    points: words(`nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer left_ear
      right_ear mouth_left mouth_right left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist
      left_pinky right_pinky left_index right_index left_thumb right_thumb left_hip right_hip left_knee right_knee
      left_ankle right_ankle left_heel right_heel left_foot_index right_foot_index`),
    edges: [
      ...TRUNK,
      ...LIMBS,
      ...FACE,
      ...sides(
        ["left_wrist", "left_thumb"],
        ["left_wrist", "left_index"],
        ["left_wrist", "left_pinky"],
        ["left_index", "left_pinky"],
        ["left_ankle", "left_heel"],
        ["left_heel", "left_foot_index"],
        ["left_ankle", "left_foot_index"],
      ),
      ["mouth_left", "mouth_right"],
    ],
  },
  {
    name: "halpe-26",
    points: [
      ...COCO_POINTS,
      ...words("head neck hip left_big_toe right_big_toe left_small_toe right_small_toe left_heel right_heel"),
    ],
    edges: [...TRUNK, ...LIMBS, ["head", "neck"], ...sides(["left_ankle", "left_heel"], ["left_heel", "left_big_toe"])],
  },
  {
    name: "body-25",
    points: words(`nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist hip right_hip
      right_knee right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear left_ear left_big_toe
      left_small_toe left_heel right_big_toe right_small_toe right_heel`),
    edges: [...TRUNK, ...LIMBS],
  },
];

const sideOf = (a: string, b: string): -1 | 0 | 1 => {
  const [left, right] = [a.includes("left") || b.includes("left"), a.includes("right") || b.includes("right")];
  return left === right ? 0 : left ? 1 : -1;
};

const EDGES = new Map<number, Edge[]>(
  LAYOUTS.map((layout) => [
    layout.points.length,
    layout.edges.map(([a, b]): Edge => [layout.points.indexOf(a), layout.points.indexOf(b), sideOf(a, b)]),
  ]),
);

/** The lines of the layout with so many points; none for a layout that is not known (its points are still drawn). */
export function edgesOf(pointCount: number): readonly Edge[] {
  return EDGES.get(pointCount) ?? [];
}

const ENDS = new Map<number, number[]>(
  LAYOUTS.map((layout) => [
    layout.points.length,
    ["nose", "left_ankle", "right_ankle"].map((name) => layout.points.indexOf(name)),
  ]),
);

/** The points at the upper and lower end of a person in the layout with so many points; none for one not known. */
export function endsOf(pointCount: number): readonly number[] {
  return ENDS.get(pointCount) ?? [];
}
