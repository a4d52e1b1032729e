// What the published PoseNet detector and decoder answer, for comparing (posenet_against_tfjs.py runs it).
//
//     node posenet_reference.mjs NODE_MODULES FOLDER
//
// NODE_MODULES: a folder with @tensorflow/tfjs, @tensorflow/tfjs-backend-wasm and @tensorflow-models/pose-detection in
// it. FOLDER/jobs.json: {model, jobs}; model: the path of posenet.json, jobs of two kinds:
//   {image, width, height, input: [width, height], stride, people, threshold, radius}  raw RGB bytes in FOLDER/image
//   {maps, rows, columns, stride, people, threshold, radius}  raw float32 in FOLDER/maps: heat map (logits), offsets,
//     displacements forward and backward, each (rows, columns, channels), one after the other
// Prints one line of JSON a job: a list of {score, keypoints: [[x, y, score], ...]}.

import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [modules, folder] = process.argv.slice(2);
const warn = console.warn;
console.warn = () => {};  // advice about speed

const require = createRequire(path.join(path.resolve(modules), 'here.js'));
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const poses = require('@tensorflow-models/pose-detection');
const { decodeSinglePose } = require('@tensorflow-models/pose-detection/dist/posenet/calculators/decode_single_pose');
const { decodeMultiplePoses } =
  require('@tensorflow-models/pose-detection/dist/posenet/calculators/decode_multiple_poses');

const NATIVE = 16;  // pixels between the cells of the stored network
// The published detector takes the outputs in this order.
const ORDER = ['offset', 'heatmap', 'displacement_fwd', 'displacement_bwd'];

/** The stored model as the published ones are: any input size, outputs in order, and atrous for a smaller stride. */
function artifacts(file, stride) {
  const { weightsManifest, ...json } = JSON.parse(fs.readFileSync(file, 'utf8'));
  const data = fs.readFileSync(path.join(path.dirname(file), weightsManifest[0].paths[0]));
  const outputs = Object.entries(json.signature.outputs);
  const place = ([name]) => ORDER.findIndex((part) => name.includes(part));
  json.signature.outputs = Object.fromEntries(outputs.sort((a, b) => place(a) - place(b)));
  const input = Object.values(json.signature.inputs)[0].tensorShape.dim;
  const placeholder = json.modelTopology.node.find(({ op }) => op === 'Placeholder').attr.shape.shape.dim;
  for (const dims of [input, placeholder]) for (const axis of [1, 2]) dims[axis].size = '-1';
  let reached = 1, rate = 1;
  for (const { op, attr } of json.modelTopology.node.filter(({ op }) => op.includes('Conv'))) {
    const own = Number(attr.strides.list.i[1]);
    const kept = reached * own <= stride ? own : 1;
    attr.strides.list.i = ['1', `${kept}`, `${kept}`, '1'];
    if (op.includes('Depthwise')) attr.dilations.list.i = ['1', `${rate}`, `${rate}`, '1'];
    reached *= kept;
    rate *= own / kept;
  }
  return {
    ...json,
    weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
    weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
  };
}

const detectors = new Map();
async function detector(file, [width, height], stride) {
  const key = `${width} ${height} ${stride}`;
  if (!detectors.has(key)) {
    detectors.set(key, await poses.createDetector(poses.SupportedModels.PoseNet, {
      architecture: 'MobileNetV1',
      multiplier: 0.75,
      outputStride: stride,
      inputResolution: { width, height },
      modelUrl: { load: async () => artifacts(file, stride) },
    }));
  }
  return detectors.get(key);
}

async function detect(file, { image, width, height, input, stride, people, threshold, radius }) {
  const pixels = tf.tensor3d(new Uint8Array(fs.readFileSync(path.join(folder, image))), [height, width, 3], 'int32');
  const network = await detector(file, input, stride);
  const found = await network.estimatePoses(pixels, { maxPoses: people, scoreThreshold: threshold, nmsRadius: radius });
  pixels.dispose();
  return found;
}

async function decode({ maps, rows, columns, stride, people, threshold, radius }) {
  const bytes = fs.readFileSync(path.join(folder, maps));
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  let start = 0;
  const [heat, offsets, forward, backward] = [17, 34, 32, 32].map((channels) => {
    const end = start + rows * columns * channels;
    const map = tf.tensor3d(values.slice(start, end), [rows, columns, channels]);
    start = end;
    return map;
  });
  const sure = tf.sigmoid(heat);
  if (people === 1) return [await decodeSinglePose(sure, offsets, stride)];
  return decodeMultiplePoses(sure, offsets, forward, backward, stride, people, threshold, radius);
}

const { model, jobs } = JSON.parse(fs.readFileSync(path.join(folder, 'jobs.json'), 'utf8'));
wasm.setWasmPaths(path.join(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist') + '/');
await tf.setBackend(process.env.BODYDOUBLE_TFJS_BACKEND ?? 'wasm');
await tf.ready();
console.warn = warn;
for (const job of jobs) {
  const found = job.maps === undefined ? await detect(model, job) : await decode(job);
  console.log(JSON.stringify(found.map(({ score, keypoints }) => ({
    score, keypoints: keypoints.map(({ x, y, score: sure }) => [x, y, sure]),
  }))));
}
