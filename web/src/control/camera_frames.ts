/** What the page and its camera worker say to each other, and the choices of both that can be tried without a camera. */

import type { Settings } from "../messages";
import { parseSize } from "./modes";

/** The longest side of a picture sent unless more is asked for: the models see 256 to 640 pixels of it. */
export const LONGEST = 960;
/** JPEG's quality, 0..1: at 0.8 its errors are below a camera's noise. */
export const QUALITY = 0.8;
/** Bytes that may wait in the socket; more and a frame is left out: about one frame of LONGEST. */
export const BACKLOG = 120_000;

/** Page -> worker. */
export type ToWorker =
  | { kind: "open"; address: string; longest: number; quality: number }
  | { kind: "clock"; offset: number }
  | { kind: "stream"; frames: ReadableStream<VideoFrame> }
  | { kind: "frame"; picture: ImageBitmap; taken: number }
  | { kind: "close" };

/** Worker -> page. refused: the program said why it takes no (more) pictures of this page. */
export type FromWorker =
  | { kind: "opened" }
  | { kind: "lost" }
  | { kind: "refused"; reason: string }
  | { kind: "ended" }
  | { kind: "failed"; message: string }
  | { kind: "sent"; frames: number; skipped: number };

/** What to ask of the browser for these settings. device: "" for whichever it likes. */
export function constraints(settings: Pick<Settings, "size" | "fps">, device: string): MediaTrackConstraints {
  const [width, height] = parseSize(settings.size) ?? [1280, 720];
  return {
    width: { ideal: width },
    height: { ideal: height },
    frameRate: { ideal: settings.fps },
    ...(device ? { deviceId: { exact: device } } : { facingMode: "user" }),
  };
}

/** The longest side to send for these settings: what was asked for, else LONGEST. */
export function longestOf(settings: Pick<Settings, "size">): number {
  return Math.max(...(parseSize(settings.size) ?? [LONGEST]));
}

/** The size to send a picture at: never larger than it is, both sides at least 2 and even, as JPEG likes them. */
export function sentSize(width: number, height: number, longest: number): [number, number] {
  const scale = Math.min(1, longest / Math.max(width, height, 1));
  const even = (side: number) => Math.max(2, 2 * Math.floor((side * scale) / 2 + 1e-6));
  return [even(width), even(height)];
}
