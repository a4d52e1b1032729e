/**
 * Where a picture lies in its box, and back: fractions of the picture (x right, y down, as the camera saw it) to pixels
 * of the box, mirrored or not. The picture is shown whole, centred ("contain").
 */

/** A rectangle in pixels. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A place: pixels of a box or fractions of a picture. */
export interface Place {
  x: number;
  y: number;
}

/** The rectangle that a picture fills in a box of the given size; the whole box for a picture without a size. */
export function contain(width: number, height: number, boxWidth: number, boxHeight: number): Box {
  if (width <= 0 || height <= 0 || boxWidth <= 0 || boxHeight <= 0) {
    return { x: 0, y: 0, width: Math.max(0, boxWidth), height: Math.max(0, boxHeight) };
  }
  const scale = Math.min(boxWidth / width, boxHeight / height);
  const [w, h] = [width * scale, height * scale];
  return { x: (boxWidth - w) / 2, y: (boxHeight - h) / 2, width: w, height: h };
}

/** A point of the picture (fractions) in pixels of the box. */
export function onScreen(x: number, y: number, picture: Box, mirror: boolean): Place {
  return { x: picture.x + (mirror ? 1 - x : x) * picture.width, y: picture.y + y * picture.height };
}

/** A place of the box as fractions of the picture; null beside the picture. */
export function inPicture(x: number, y: number, picture: Box, mirror: boolean): Place | null {
  if (picture.width <= 0 || picture.height <= 0) return null;
  const across = (x - picture.x) / picture.width;
  const down = (y - picture.y) / picture.height;
  if (across < 0 || across > 1 || down < 0 || down > 1) return null;
  return { x: mirror ? 1 - across : across, y: down };
}

/** The middle of the points that are seen at least so well, by (x, y) pairs; null if there is none. */
export function middle(points: ArrayLike<number>, scores: ArrayLike<number>, least = 0.3): Place | null {
  let [x, y, seen] = [0, 0, 0];
  for (let i = 0; i < scores.length; i += 1) {
    if ((scores[i] ?? 0) < least) continue;
    x += points[2 * i] ?? 0;
    y += points[2 * i + 1] ?? 0;
    seen += 1;
  }
  return seen > 0 ? { x: x / seen, y: y / seen } : null;
}
