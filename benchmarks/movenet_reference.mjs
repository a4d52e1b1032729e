// What the published MoveNet detector answers, for comparing (movenet_against_tfjs.py runs it).
//
//     node movenet_reference.mjs NODE_MODULES FOLDER [BACKEND]
//
// NODE_MODULES: a folder with @tensorflow/tfjs, @tensorflow/tfjs-backend-wasm and @tensorflow-models/pose-detection in
// it. BACKEND: cpu (the plain JavaScript one, as it is) or wasm. FOLDER/jobs.json: {model, kind, streams}; model: the
// path of a movenet-*.json; kind: SinglePose.Lightning, SinglePose.Thunder or MultiPose.Lightning; streams: lists of
// {image, width, height, time}, raw RGB bytes in FOLDER/image and seconds, each list the frames of one camera.
// Prints one line of JSON a stream: for each frame {people: [{score, keypoints: [[x, y, score], ...]}], region}, in
// pixels without smoothing; region: the crop that the frame was looked at in [x0, y0, x1, y1] (single pose).

import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [modules, folder, backend = 'cpu'] = process.argv.slice(2);
console.warn = () => {};  // advice about speed

const require = createRequire(path.join(path.resolve(modules), 'here.js'));
const tf = require('@tensorflow/tfjs');
const poses = require('@tensorflow-models/pose-detection');
if (backend === 'wasm') {
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + path.sep);
}
await tf.setBackend(backend);
await tf.ready();

const { model, kind, streams } = JSON.parse(fs.readFileSync(path.join(folder, 'jobs.json'), 'utf8'));

function artifacts() {
  const { weightsManifest, ...json } = JSON.parse(fs.readFileSync(model, 'utf8'));
  const data = fs.readFileSync(path.join(path.dirname(model), weightsManifest[0].paths[0]));
  return {
    ...json,
    weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
    weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
  };
}

for (const frames of streams) {
  const detector = await poses.createDetector(poses.SupportedModels.MoveNet, {
    modelType: kind,
    modelUrl: { load: async () => artifacts() },
    enableSmoothing: false,
    enableTracking: false,
  });
  const answers = [];
  for (const { image, width, height, time } of frames) {
    const pixels = tf.tensor3d(new Uint8Array(fs.readFileSync(path.join(folder, image))), [height, width, 3], 'int32');
    const { yMin, xMin, yMax, xMax } = detector.cropRegion ?? {};
    const found = await detector.estimatePoses(pixels, {}, time * 1000);
    pixels.dispose();
    const region = yMin === undefined ? null : [xMin * width, yMin * height, xMax * width, yMax * height];
    const people = found.map((one) => ({ score: one.score, keypoints: one.keypoints.map((p) => [p.x, p.y, p.score]) }));
    answers.push({ people, region });
  }
  detector.dispose();
  console.log(JSON.stringify(answers));
}
