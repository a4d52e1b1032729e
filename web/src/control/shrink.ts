/** Pictures made fit to be sent: whatever the browser can show becomes a JPEG where the program would not take it. */

/** What the program takes as it is: type, bytes, pixels a side. */
const TAKEN = ["image/png", "image/jpeg", "image/webp"];
const MOST_BYTES = 8_000_000;
const LONGEST_TAKEN = 4096;
/** Longest side and quality of what is made: sharp on a stage of 1920 x 1080 that fills a larger screen. */
const LONGEST_MADE = 2560;
const QUALITY = 0.9;

/** Whether a picture may be sent as it is. */
export function fits(type: string, bytes: number, width: number, height: number): boolean {
  return TAKEN.includes(type) && bytes <= MOST_BYTES && Math.max(width, height) <= LONGEST_TAKEN;
}

/** The size at which a picture is made anew. */
export function madeSize(width: number, height: number): [number, number] {
  const scale = Math.min(1, LONGEST_MADE / Math.max(width, height, 1));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** The file itself where it fits or is no picture that the browser knows; else the same picture as a JPEG. */
export async function shrunk(file: File): Promise<File> {
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return file; // the program says what is wrong with it
  }
  try {
    if (fits(file.type, file.size, picture.width, picture.height)) return file;
    const [width, height] = madeSize(picture.width, picture.height);
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d")?.drawImage(picture, 0, 0, width, height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    return blob ? new File([blob], `${file.name.replace(/\.[^.]*$/, "")}.jpg`, { type: "image/jpeg" }) : file;
  } finally {
    picture.close();
  }
}
