// A puppet as the program sends it (src/bodydouble/stage/puppets.py says how the file is laid out).
//
// Character pixels, y down. Pairs of numbers are kept in one array, x before y.

import type { Scene } from "../messages";

/** How much of a figure is shown. */
export type Framing = Scene["framing"];

/** What a close shot shows at rest: edges, least half width, and the bones that the camera follows. */
export interface View {
  top: number;
  bottom: number;
  side: number;
  bones: number[];
  aim: [number, number];
  x: number;
}

/** Bones at rest, parents before children; `x` is the middle of the feet, `reach` how far to the sides and up. */
export interface Rig {
  names: string[];
  parents: number[];
  floor: number;
  height: number;
  x: number;
  reach: [number, number];
  feet: number[];
  views: { half: View; head: View };
  heads: Float64Array;
  tails: Float64Array;
}

/** One part: its points are start..end of the puppet's, its triangles first..last of the corners' list. */
export interface Part {
  name: string;
  start: number;
  end: number;
  triangles: number;
  texture: number;
  order: number;
  behind: number | null;
  limb: number[];
  shown: "" | "open" | "shut" | "lid";
}

/** A texture's pixels, premultiplied; they may be scaled down, never up. */
export interface Texture {
  width: number;
  height: number;
  image: ImageBitmap;
}

/** The shape of a character: all that poses and places it. */
export interface Shape {
  name: string;
  size: [number, number];
  /** Texture pixels a character pixel. */
  scale: number;
  rig: Rig;
  parts: Part[];
  /** (N, 2) at rest. */
  points: Float64Array;
  /** (N) how far a point of an eyelid lies below its part's upper edge. */
  drop: Float64Array;
  lids: boolean;
  /** (N, 4) bones that move each point, and their shares. */
  columns: Uint16Array;
  weights: Float64Array;
  /** (N, 2) fractions of the part's texture. */
  uv: Float32Array;
  /** (T, 3) points, part after part. */
  triangles: Uint16Array;
}

/** A character ready to draw. */
export interface Puppet extends Shape {
  textures: Texture[];
}

interface Place {
  at: number;
  type: "f64" | "f32" | "u16";
  count: number;
}

interface Header extends Omit<Shape, "points" | "drop" | "columns" | "weights" | "uv" | "triangles"> {
  arrays: Record<string, Place>;
  textures: { at: number; length: number; width: number; height: number }[];
}

/** "BDP1" as a number, little endian. */
const MAGIC = 0x31504442;
const TYPES = { f64: Float64Array, f32: Float32Array, u16: Uint16Array };

/** The file at an address is no puppet, or could not be had. */
export class PuppetError extends Error {
  override name = "PuppetError";
}

function readHeader(file: ArrayBuffer): Header {
  const view = new DataView(file);
  if (file.byteLength < 8 || view.getUint32(0, true) !== MAGIC) throw new PuppetError("the file is no puppet");
  const length = view.getUint32(4, true);
  return JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length))) as Header;
}

/** The character's shape, its arrays being views of the file. Throws PuppetError for another file. */
export function readShape(file: ArrayBuffer): Shape {
  const header = readHeader(file);
  const array = <T extends Place["type"]>(name: string, type: T): InstanceType<(typeof TYPES)[T]> => {
    const place = header.arrays[name];
    if (place?.type !== type)
      throw new PuppetError(`the puppet's ${name} are ${place?.type ?? "missing"}; wanted ${type}`);
    return new TYPES[type](file, place.at, place.count) as InstanceType<(typeof TYPES)[T]>;
  };
  const { name, size, scale, lids, parts } = header;
  const rig = { ...header.rig, heads: array("heads", "f64"), tails: array("tails", "f64") };
  return {
    name,
    size,
    scale,
    lids,
    parts,
    rig,
    points: array("points", "f64"),
    drop: array("drop", "f64"),
    columns: array("columns", "u16"),
    weights: array("weights", "f64"),
    uv: array("uv", "f32"),
    triangles: array("triangles", "u16"),
  };
}

/** The character with its textures decoded, bit for bit as they were sent. */
export async function readPuppet(file: ArrayBuffer): Promise<Puppet> {
  const shape = readShape(file);
  const textures = await Promise.all(
    readHeader(file).textures.map(async ({ at, length, width, height }) => {
      const blob = new Blob([new Uint8Array(file, at, length)], { type: "image/png" });
      // the pixels are premultiplied already, and no profile may change them
      const image = await createImageBitmap(blob, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
      return { width, height, image };
    }),
  );
  return { ...shape, textures };
}

/** The character at an address of the program. */
export async function fetchPuppet(address: string, signal?: AbortSignal): Promise<Puppet> {
  const answer = await fetch(address, { credentials: "same-origin", ...(signal && { signal }) });
  if (!answer.ok) throw new PuppetError(`the character cannot be had: ${answer.status} ${answer.statusText}`);
  return readPuppet(await answer.arrayBuffer());
}
