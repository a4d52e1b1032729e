/** What a camera offers, in the two lists that people choose from: sizes, then rates for the size chosen. */

import type { CameraMode } from "../messages";

/** Sizes worth asking for when a camera does not say what it offers (the browser's own, a stream). */
export const USUAL_SIZES = ["640x480", "960x540", "1280x720", "1920x1080"];
/** Rates worth asking for when a camera does not say. */
export const USUAL_RATES = [15, 24, 30, 60];

/** A size as Settings has it, "WIDTHxHEIGHT", as two numbers; null for "" and for what is none. */
export function parseSize(size: string): [number, number] | null {
  const found = /^(\d+)x(\d+)$/.exec(size);
  return found ? [Number(found[1]), Number(found[2])] : null;
}

/** The sizes in the modes, each once, small to large; the usual ones where there are no modes. */
export function sizesOf(modes: readonly CameraMode[]): string[] {
  if (modes.length === 0) return [...USUAL_SIZES];
  const sizes = new Map(modes.map((mode) => [`${mode.width}x${mode.height}`, mode.width * mode.height]));
  return [...sizes.entries()].sort((a, b) => a[1] - b[1]).map(([size]) => size);
}

/** The rates offered at a size ("" for any), rounded to whole frames a second, slow to fast; always with `chosen`. */
export function ratesOf(modes: readonly CameraMode[], size: string, chosen: number): number[] {
  const fitting = modes.filter((mode) => size === "" || `${mode.width}x${mode.height}` === size);
  const rates = fitting.length > 0 ? fitting.map((mode) => Math.round(mode.fps)) : USUAL_RATES;
  return [...new Set([...rates, Math.round(chosen)])].filter((rate) => rate > 0).sort((a, b) => a - b);
}
