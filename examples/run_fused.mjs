// Keypoints of a picture by a one-file model in onnxruntime-web; docs/fused.md
//
//   npm install onnxruntime-web
//   node run_fused.mjs pose.onnx picture.png
//   node run_fused.mjs pose.onnx pixels.rgb WIDTH HEIGHT     3 bytes a pixel, row by row
//   (ffmpeg -i picture.jpg -f rawvideo -pix_fmt rgb24 pixels.rgb)
//
// Prints one line of JSON: scores, keypoints [[[x, y, score], ...], ...] of everybody found, milliseconds.
// In a browser the bytes come from a canvas: getImageData gives four a pixel, of which the first three are wanted.

import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import * as ort from "onnxruntime-web";

const CHANNELS = { 0: 1, 2: 3, 4: 2, 6: 4 }; // of a PNG's colour types: grey, RGB, each with transparency

/** A PNG of 8 bits a channel, not interlaced -> { width, height, rgb }; transparency is left out. */
function readPng(bytes) {
  const parts = [];
  let header;
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const body = bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at));
    const kind = bytes.toString("latin1", at + 4, at + 8);
    if (kind === "IHDR") header = body;
    if (kind === "IDAT") parts.push(body);
  }
  const [depth, colour, , , interlaced] = header.subarray(8);
  const channels = CHANNELS[colour];
  if (depth !== 8 || interlaced || !channels) throw new Error("a PNG of 8 bits a channel, no palette, please");
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const lines = unfiltered(inflateSync(Buffer.concat(parts)), width * channels, height, channels);
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++)
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = lines[channels * i + (channels > 2 ? c : 0)];
  return { width, height, rgb };
}

/** Each byte of a PNG is stored as the difference from its neighbours; the first byte of a line says from which. */
function unfiltered(data, length, height, channels) {
  const out = new Uint8Array(length * height);
  for (let row = 0; row < height; row++) {
    const filter = data[row * (length + 1)];
    for (let i = 0; i < length; i++) {
      const at = row * length + i;
      const left = i >= channels ? out[at - channels] : 0;
      const up = row ? out[at - length] : 0;
      const corner = row && i >= channels ? out[at - length - channels] : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      out[at] = data[row * (length + 1) + 1 + i] + guess;
    }
  }
  return out;
}

function paeth(left, up, corner) {
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(left + up - corner - value));
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

const [model, picture, ...size] = process.argv.slice(2);
if (!picture) {
  console.error("node run_fused.mjs pose.onnx picture.png, or pixels.rgb WIDTH HEIGHT");
  process.exit(2);
}
const bytes = readFileSync(picture);
const { width, height, rgb } = size.length
  ? { width: Number(size[0]), height: Number(size[1]), rgb: new Uint8Array(bytes) }
  : readPng(bytes);

ort.env.wasm.numThreads = 1; // more need worker threads that share memory
const session = await ort.InferenceSession.create(readFileSync(model));
const inputs = { image: new ort.Tensor("uint8", rgb, [height, width, 3]) };
if (session.inputNames.includes("regions")) {
  // made with --regions: zeros look for people, next_regions of one frame follows them in the next
  const { shape } = session.inputMetadata.find((input) => input.name === "regions");
  inputs.regions = new ort.Tensor("float32", new Float32Array(shape[0] * shape[1]), shape);
}
const start = performance.now();
const { keypoints, scores } = await session.run(inputs);
const milliseconds = Math.round(performance.now() - start);
const [, count] = keypoints.dims;
const people = [...scores.data.keys()].filter((person) => scores.data[person] > 0);
const point = (person, number) => [...keypoints.data.slice(3 * (person * count + number), 3 * (person * count + number + 1))];
console.log(
  JSON.stringify({
    scores: people.map((person) => scores.data[person]),
    keypoints: people.map((person) => Array.from({ length: count }, (_, number) => point(person, number))),
    milliseconds,
  }),
);
