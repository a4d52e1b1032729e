/**
 * The worker behind the browser's own camera: takes frames, makes JPEGs of them and sends them to the program, all off the
 * page's main thread. The newest frame wins: while one is encoded or the socket is full, others are left out.
 */

import { encodeCameraFrame } from "../messages";
import { BACKLOG, type FromWorker, sentSize, type ToWorker } from "./camera_frames";

/** Milliseconds before a lost connection is tried again. */
const RETRY = 1000;
/** WebSocket close codes by which the program refuses: policy, and those of its own (4000 and up). */
const POLICY = 1008;
const OWN_CODES = 4000;

let address = "";
let longest = 0;
let quality = 0;
let offset: number | null = null; // program's clock minus this computer's, seconds
let socket: WebSocket | null = null;
let closed = false;
let busy = false;
let sent = 0;
let skipped = 0;
let reported = 0;
const canvas = new OffscreenCanvas(2, 2);
const pen = canvas.getContext("2d", { alpha: false });

const say = (message: FromWorker) => self.postMessage(message);
const now = () => performance.timeOrigin + performance.now();

function connect(): void {
  if (closed) return;
  const opening = new WebSocket(address);
  opening.binaryType = "arraybuffer";
  socket = opening;
  opening.onopen = () => say({ kind: "opened" });
  opening.onclose = (event) => {
    if (socket !== opening) return;
    socket = null;
    if (event.code === POLICY || event.code >= OWN_CODES) {
      say({ kind: "refused", reason: event.reason });
      return;
    }
    say({ kind: "lost" });
    setTimeout(connect, RETRY);
  };
}

/** Whether a frame could be sent now. */
function free(): boolean {
  return !busy && offset !== null && socket?.readyState === WebSocket.OPEN && socket.bufferedAmount < BACKLOG;
}

/** Sends a picture that was taken at a time (milliseconds since 1970). */
async function give(picture: ImageBitmap | VideoFrame, taken: number): Promise<void> {
  if (!free() || !pen) {
    skipped += 1;
    picture.close();
    return;
  }
  busy = true;
  try {
    const whole =
      "displayWidth" in picture ? [picture.displayWidth, picture.displayHeight] : [picture.width, picture.height];
    const [width, height] = sentSize(whole[0] ?? 0, whole[1] ?? 0, longest);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    pen.drawImage(picture, 0, 0, width, height);
    picture.close();
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
    const jpeg = new Uint8Array(await blob.arrayBuffer());
    const captured = taken / 1000 + (offset ?? 0);
    if (socket?.readyState === WebSocket.OPEN) socket.send(encodeCameraFrame({ width, height, captured, jpeg }));
    sent += 1;
  } finally {
    busy = false;
  }
  if (now() - reported > 1000) {
    reported = now();
    say({ kind: "sent", frames: sent, skipped });
  }
}

/** When a frame was taken, milliseconds since 1970: as the browser says, else now. */
function takenAt(frame: VideoFrame): number {
  const told = (frame as VideoFrame & { metadata?: () => { captureTime?: number } }).metadata?.().captureTime;
  const age = told === undefined ? 0 : performance.now() - told;
  return now() - (age > 0 && age < 1000 ? age : 0);
}

async function read(frames: ReadableStream<VideoFrame>): Promise<void> {
  const reader = frames.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || closed) {
      value?.close();
      break;
    }
    void give(value, takenAt(value));
  }
  say({ kind: "ended" });
}

self.onmessage = (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  if (message.kind === "open") {
    ({ address, longest, quality } = message);
    connect();
  } else if (message.kind === "clock") {
    offset = message.offset;
  } else if (message.kind === "stream") {
    read(message.frames).catch((error: unknown) => say({ kind: "failed", message: String(error) }));
  } else if (message.kind === "frame") {
    give(message.picture, message.taken).catch((error: unknown) => say({ kind: "failed", message: String(error) }));
  } else {
    closed = true;
    socket?.close();
    self.close();
  }
};
