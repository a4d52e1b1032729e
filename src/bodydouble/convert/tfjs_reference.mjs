// What TensorFlow.js itself computes with a model, for comparing: graph models and layers models, plain cpu backend.
//
//     node tfjs_reference.mjs NODE_MODULES model.json              prints {version, inputs, outputs} as JSON
//     node tfjs_reference.mjs NODE_MODULES model.json FOLDER       runs every feed of FOLDER/feeds.json
//
// NODE_MODULES: a folder with @tensorflow/tfjs in it. feeds.json: a list of runs, each a list of {name, shape, dtype,
// file}, raw little-endian values (float32, int32, or one byte a bool). The answers are written beside it as
// outputs.json, a list of runs, each a list of the same records.

import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [modules, modelPath, folder] = process.argv.slice(2);
console.warn = () => {};  // advice about speed

const tf = createRequire(path.join(path.resolve(modules), 'here.js'))('@tensorflow/tfjs');
const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

/** Everything that tf.io.fromMemory wants, read from the JSON file and the shards beside it. */
function artifacts(file) {
  const json = JSON.parse(fs.readFileSync(file, 'utf8'));
  const groups = json.weightsManifest ?? [];
  const shards = groups.flatMap((group) => group.paths).map((name) => {
    const own = path.join(path.dirname(file), name);
    return fs.readFileSync(fs.existsSync(own) ? own : path.join(path.dirname(file), decodeURIComponent(name)));
  });
  const data = Buffer.concat(shards);
  const { weightsManifest, ...rest } = json;
  return {
    ...rest,
    weightSpecs: groups.flatMap((group) => group.weights),
    weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
  };
}

function isGraph(json) {
  return json.format === 'graph-model' || (json.format !== 'layers-model' && Array.isArray(json.modelTopology?.node));
}

/** Lets inputs take the sizes that they are fed with: a model converted for other sizes than its file states. */
function resize(parts, feeds) {
  const signatures = [parts.signature, parts.userDefinedMetadata?.signature].filter(Boolean);
  for (const { name, shape } of feeds) {
    const dim = shape.map((size) => ({ size: String(size) }));
    const told = signatures.map((signature) => signature.inputs?.[name]).filter(Boolean);
    const names = [name, ...told.map((input) => input.name)].map((one) => one.split(':')[0]);
    for (const input of told) if (input.tensorShape?.dim) input.tensorShape.dim = dim;
    for (const node of parts.modelTopology.node) {
      const stated = node.attr?.shape?.shape;
      if (node.op === 'Placeholder' && names.includes(node.name) && stated?.dim) stated.dim = dim;
    }
  }
}

/** {inputs, outputs, run}: run takes tensors by name and answers tensors in the order of outputs. */
async function load(file, feeds = []) {
  const parts = artifacts(file);
  if (isGraph(parts)) resize(parts, feeds);
  const handler = { load: async () => parts };
  if (isGraph(parts)) {
    const model = await tf.loadGraphModel(handler);
    const describe = ({ name, shape, dtype }) => ({ name, shape: shape ?? null, dtype });
    const names = model.outputs.map(({ name }) => name);
    const run = async (feeds) => [await model.executeAsync(feeds, names)].flat();
    return { inputs: model.inputs.map(describe), outputs: model.outputs.map(describe), run };
  }
  const model = await tf.loadLayersModel(handler);
  if (model.getClassName() === 'Sequential') model.build();  // which names its inputs and outputs
  // A layer that gives several outputs has its name on all of them: number those after the first.
  const unique = (names) => names.map((name, at) => {
    const before = names.slice(0, at).filter((other) => other === name).length;
    return before ? `${name}_${before}` : name;
  });
  const described = (tensors, names) =>
    tensors.map((tensor, at) => ({ name: unique(names)[at], shape: tensor.shape, dtype: tensor.dtype }));
  const inputs = described(model.inputs, model.inputNames);
  const run = async (feeds) => {
    const given = inputs.map(({ name }) => feeds[name]);
    return [model.predict(given.length === 1 ? given[0] : given)].flat();
  };
  return { inputs, outputs: described(model.outputs, model.outputNames), run };
}

function tensor({ shape, dtype, file }) {
  const bytes = fs.readFileSync(path.join(folder, file));
  const values = new ARRAYS[dtype](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return tf.tensor(values, shape, dtype);
}

async function answer(model, feeds, number) {
  const results = await model.run(Object.fromEntries(feeds.map((feed) => [feed.name, tensor(feed)])));
  const records = [];
  for (const [at, result] of results.entries()) {
    const file = `output-${number}-${at}`;
    const values = await result.data();
    fs.writeFileSync(path.join(folder, file), Buffer.from(values.buffer, values.byteOffset, values.byteLength));
    // What the values are, not what the tensor says: some kernels hand integers on as float32.
    const dtype = values instanceof Int32Array ? 'int32' : values instanceof Uint8Array ? 'bool' : 'float32';
    records.push({ name: model.outputs[at].name, shape: result.shape, dtype, file });
  }
  return records;
}

await tf.setBackend('cpu');
await tf.ready();
const runs = folder === undefined ? [] : JSON.parse(fs.readFileSync(path.join(folder, 'feeds.json'), 'utf8'));
const model = await load(modelPath, runs[0]);
if (folder === undefined) {
  const { inputs, outputs } = model;
  console.log(JSON.stringify({ version: tf.version.tfjs, inputs, outputs }));
} else {
  const answers = [];
  for (const [number, feeds] of runs.entries()) answers.push(await answer(model, feeds, number));
  fs.writeFileSync(path.join(folder, 'outputs.json'), JSON.stringify(answers));
}
