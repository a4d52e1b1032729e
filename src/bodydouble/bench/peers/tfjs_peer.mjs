// TensorFlow.js on WebAssembly as a peer: the published detectors of MoveNet and PoseNet.
//
//     node tfjs_peer.mjs FRAMES.npy NODE_MODULES MODEL.json KIND THREADS
//
// NODE_MODULES: a folder with @tensorflow/tfjs, @tensorflow/tfjs-backend-wasm and @tensorflow-models/pose-detection in
// it. KIND: SinglePose.Lightning, SinglePose.Thunder, MultiPose.Lightning or PoseNet. The same lines of JSON as
// bench/worker.py: ms, cpu, people.

import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { createRequire } from 'node:module';

const [frames, modules, model, kind, threads] = process.argv.slice(2);
console.warn = () => {};  // advice about speed

const require = createRequire(path.join(path.resolve(modules), 'here.js'));
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const poses = require('@tensorflow-models/pose-detection');

const SIDE = 385;  // of PoseNet's stored network
const ORDER = ['offset', 'heatmap', 'displacement_fwd', 'displacement_bwd'];  // in which the published detector reads

/** Frames of a .npy file of uint8: (H, W, 3) each. */
function pictures(file) {
  const start = fs.openSync(file), head = Buffer.alloc(10);
  fs.readSync(start, head, 0, 10, 0);
  const text = Buffer.alloc(head.readUInt16LE(8));
  fs.readSync(start, text, 0, text.length, 10);
  const [count, height, width] = text.toString().match(/\((.*)\)/)[1].split(',').map(Number);
  const size = height * width * 3;
  return (number) => {
    const data = Buffer.alloc(size);
    fs.readSync(start, data, 0, size, 10 + text.length + (number % count) * size);
    return tf.tensor3d(new Uint8Array(data.buffer), [height, width, 3], 'int32');
  };
}

function artifacts() {
  const { weightsManifest, ...json } = JSON.parse(fs.readFileSync(model, 'utf8'));
  const folder = path.dirname(model);
  const parts = weightsManifest.flatMap(({ paths }) => paths).map((name) => fs.readFileSync(path.join(folder, name)));
  const data = Buffer.concat(parts);
  if (kind === 'PoseNet') {
    const place = ([name]) => ORDER.findIndex((part) => name.includes(part));
    // the published detector sets the size itself
    const input = Object.values(json.signature.inputs)[0].tensorShape.dim;
    const placeholder = json.modelTopology.node.find(({ op }) => op === 'Placeholder').attr.shape.shape.dim;
    for (const dims of [input, placeholder]) for (const axis of [1, 2]) dims[axis].size = '-1';
    json.signature.outputs = Object.fromEntries(
      Object.entries(json.signature.outputs).sort((a, b) => place(a) - place(b)));
  }
  return {
    ...json,
    weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
    weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
  };
}

const tell = (values) => console.log(JSON.stringify(values));
const started = performance.now();
wasm.setWasmPaths(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + path.sep);
wasm.setThreadsCount(Number(threads));
await tf.setBackend('wasm');
await tf.ready();
const modelUrl = { load: async () => artifacts() };
const detector = kind === 'PoseNet'
  ? await poses.createDetector(poses.SupportedModels.PoseNet, {
    architecture: 'MobileNetV1', multiplier: 0.75, outputStride: 16,
    inputResolution: { width: SIDE, height: SIDE }, modelUrl })
  : await poses.createDetector(poses.SupportedModels.MoveNet, {
    modelType: kind, modelUrl, enableSmoothing: false, enableTracking: false });
const picture = pictures(frames);

async function look(number) {
  const pixels = picture(number);
  const begun = performance.now(), before = process.cpuUsage();
  const found = await detector.estimatePoses(pixels, {}, number * 1000 / 30);
  const ms = performance.now() - begun, { user, system } = process.cpuUsage(before);
  pixels.dispose();
  return { ms, cpu: (user + system) / 1000, people: found.length };
}

const first = await look(0);
tell({
  device: 'cpu', runtime: `TFJS WebAssembly`, threads: wasm.getThreadsCount(),
  seconds: (performance.now() - started) / 1000, people: first.people,
});
for await (const line of readline.createInterface({ input: process.stdin })) tell(await look(Number(line)));
process.exit(0);
