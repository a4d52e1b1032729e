// Makes layers models with TensorFlow.js: every class of layer in its variants, and random networks of them.
//
//     node layers_models.mjs NODE_MODULES FOLDER [RANDOM_MODELS] [SEED]
//
// Each goes to a folder of its own: model.json, weights.bin (some quantised), feeds.json and outputs.json with what
// TensorFlow.js computes, in the form of tfjs_reference.mjs. Used by layers_models.py.

import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [modules, target, count = '60', seed = '1'] = process.argv.slice(2);
console.warn = () => {};
const tf = createRequire(path.join(path.resolve(modules), 'here.js'))('@tensorflow/tfjs');
const L = tf.layers;

/** Numbers from 0 to 1 that are the same every time (mulberry32). */
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const pick = (random, list) => list[Math.floor(random() * list.length)];
const whole = (random, low, high) => low + Math.floor(random() * (high - low + 1));

const ACTIVATIONS = ['elu', 'relu', 'relu6', 'linear', 'sigmoid', 'hardSigmoid', 'softplus', 'softsign', 'tanh', 'softmax',
  'logSoftmax', 'gelu', 'mish', 'swish', 'selu'];

const cases = {};
/** One layer, or a list of them, on an input of a shape (batch left open). */
function one(name, shape, make, dtype = 'float32') {
  cases[name] = () => {
    const input = tf.input({ shape, dtype });
    const output = [make()].flat().reduce((x, layer) => layer.apply(x), input);
    return tf.model({ inputs: input, outputs: output });
  };
}

for (const activation of ACTIVATIONS) {
  one(`activation-${activation}`, [3, 5], () => L.activation({ activation }));
  one(`dense-${activation}`, [6], () => L.dense({ units: 4, activation }));
  if (activation !== 'softmax' && activation !== 'logSoftmax') {
    one(`conv2d-${activation}`, [5, 6, 3], () => L.conv2d({ filters: 4, kernelSize: 3, activation }));
    one(`lstm-${activation}`, [4, 3], () => L.lstm({ units: 5, activation }));
    one(`gru-inner-${activation}`, [4, 3], () => L.gru({ units: 5, recurrentActivation: activation }));
  }
}
one('dense-3d-no-bias', [4, 6], () => L.dense({ units: 5, useBias: false }));
one('dense-4d', [2, 4, 6], () => L.dense({ units: 5, activation: 'relu' }));
for (const padding of ['same', 'valid']) {
  for (const strides of [1, 2, 3]) {
    const tag = `${padding}-stride${strides}`;
    one(`conv1d-${tag}`, [11, 3], () => L.conv1d({ filters: 4, kernelSize: 3, strides, padding }));
    one(`conv2d-${tag}`, [9, 10, 3], () => L.conv2d({ filters: 4, kernelSize: [3, 2], strides, padding }));
    one(`conv2d-first-${tag}`, [3, 9, 10], () => L.conv2d({ filters: 4, kernelSize: 3, strides, padding, dataFormat: 'channelsFirst' }));
    one(`conv2d-open-${tag}`, [null, null, 3], () => L.conv2d({ filters: 4, kernelSize: 3, strides, padding }));
    one(`conv3d-${tag}`, [7, 6, 8, 2], () => L.conv3d({ filters: 3, kernelSize: [2, 3, 3], strides, padding }));
    one(`depthwise-${tag}`, [9, 10, 3], () => L.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, strides, padding }));
    one(`depthwise-first-${tag}`, [3, 9, 10], () => L.depthwiseConv2d({ kernelSize: 3, strides, padding, dataFormat: 'channelsFirst', useBias: false }));
    one(`separable-${tag}`, [9, 10, 3], () => L.separableConv2d({ filters: 5, kernelSize: 3, strides, padding, activation: 'relu' }));
    for (const kernelSize of [2, 3, 4]) {
      one(`transpose2d-${tag}-${kernelSize}`, [4, 5, 3], () => L.conv2dTranspose({ filters: 4, kernelSize, strides, padding }));
      // In three axes TensorFlow.js pads by less than nothing where the stride is larger than the kernel.
      if (kernelSize >= strides) one(`transpose3d-${tag}-${kernelSize}`, [3, 4, 3, 2], () => L.conv3dTranspose({ filters: 2, kernelSize, strides, padding }));
    }
    one(`transpose2d-open-${tag}`, [null, null, 3], () => L.conv2dTranspose({ filters: 4, kernelSize: 3, strides, padding }));
    one(`transpose2d-first-${tag}`, [3, 4, 5], () => L.conv2dTranspose({ filters: 4, kernelSize: 3, strides, padding, dataFormat: 'channelsFirst' }));
    for (const kind of ['max', 'average']) {
      one(`${kind}1d-${tag}`, [11, 3], () => L[`${kind}Pooling1d`]({ poolSize: 3, strides, padding }));
      one(`${kind}2d-${tag}`, [9, 10, 3], () => L[`${kind}Pooling2d`]({ poolSize: [3, 2], strides, padding }));
      one(`${kind}2d-first-${tag}`, [3, 9, 10], () => L[`${kind}Pooling2d`]({ poolSize: 3, strides, padding, dataFormat: 'channelsFirst' }));
      one(`${kind}2d-open-${tag}`, [null, null, 3], () => L[`${kind}Pooling2d`]({ poolSize: 3, strides, padding }));
      one(`${kind}3d-${tag}`, [6, 7, 8, 2], () => L[`${kind}Pooling3d`]({ poolSize: 3, strides, padding }));
    }
  }
}
one('conv1d-dilated', [12, 3], () => L.conv1d({ filters: 4, kernelSize: 3, dilationRate: 2, padding: 'same' }));
one('conv2d-dilated', [12, 11, 3], () => L.conv2d({ filters: 4, kernelSize: 3, dilationRate: [2, 3], padding: 'same' }));
one('conv2d-dilated-valid', [12, 11, 3], () => L.conv2d({ filters: 4, kernelSize: 3, dilationRate: 2 }));
one('conv2d-no-bias', [5, 5, 3], () => L.conv2d({ filters: 4, kernelSize: 1, useBias: false }));
one('separable-dilated', [12, 11, 3], () => L.separableConv2d({ filters: 4, kernelSize: 3, dilationRate: 2, padding: 'same' }));
for (const kind of ['Max', 'Average']) {
  one(`global-${kind}-1d`, [7, 3], () => L[`global${kind}Pooling1d`]({}));
  one(`global-${kind}-2d`, [4, 5, 3], () => L[`global${kind}Pooling2d`]({}));
  one(`global-${kind}-2d-first`, [3, 4, 5], () => L[`global${kind}Pooling2d`]({ dataFormat: 'channelsFirst' }));
}
one('batch-norm', [4, 5, 3], () => L.batchNormalization({}));
// Not BatchNormalization along another axis than the last: the plain cpu backend takes its numbers in the wrong order.
one('batch-norm-2d', [6], () => L.batchNormalization({ center: false, epsilon: 0.01 }));
one('batch-norm-3d', [4, 6], () => L.batchNormalization({ scale: false }));
one('layer-norm', [4, 6], () => L.layerNormalization({}));
one('layer-norm-axes', [4, 5, 3], () => L.layerNormalization({ axis: [2, 3] }));
one('layer-norm-axis1', [4, 6], () => L.layerNormalization({ axis: 1, center: false }));
one('flatten', [3, 4, 2], () => [L.flatten(), L.dense({ units: 3 })]);
one('flatten-first', [2, 3, 4], () => L.flatten({ dataFormat: 'channelsFirst' }));
one('reshape', [3, 4, 2], () => L.reshape({ targetShape: [6, 4] }));
one('reshape-open', [3, 4, 2], () => L.reshape({ targetShape: [-1, 4] }));
one('permute', [3, 4, 2], () => L.permute({ dims: [3, 1, 2] }));
one('repeat-vector', [4], () => L.repeatVector({ n: 3 }));
one('embedding', [7], () => L.embedding({ inputDim: 9, outputDim: 4 }));
one('embedding-int', [7], () => L.embedding({ inputDim: 9, outputDim: 4, inputLength: 7 }), 'int32');
one('relu', [3, 4], () => L.reLU({}));
one('relu-max', [3, 4], () => L.reLU({ maxValue: 0.7 }));
one('leaky', [3, 4], () => L.leakyReLU({ alpha: 0.15 }));
one('prelu', [3, 4, 2], () => L.prelu({}));
one('prelu-shared', [3, 4, 2], () => L.prelu({ sharedAxes: [1, 2] }));
one('elu', [3, 4], () => L.elu());
one('thresholded', [3, 4], () => L.thresholdedReLU({ theta: 0.4 }));
one('softmax', [3, 4], () => L.softmax({ axis: -1 }));
for (const kind of ['dropout', 'spatialDropout1d', 'gaussianDropout', 'alphaDropout']) {
  one(kind, [4, 3], () => [L.dense({ units: 3 }), L[kind]({ rate: 0.4 })]);
}
one('gaussian-noise', [4], () => L.gaussianNoise({ stddev: 0.4 }));
one('zero-padding', [4, 5, 3], () => L.zeroPadding2d({ padding: [[1, 2], [0, 3]] }));
one('zero-padding-default', [4, 5, 3], () => [L.zeroPadding2d(), L.conv2d({ filters: 2, kernelSize: 3, strides: 2 })]);
one('zero-padding-first', [3, 4, 5], () => L.zeroPadding2d({ padding: 2, dataFormat: 'channelsFirst' }));
one('cropping', [6, 7, 3], () => L.cropping2D({ cropping: [[1, 0], [2, 1]] }));
one('cropping-first', [3, 6, 7], () => L.cropping2D({ cropping: [1, 2], dataFormat: 'channelsFirst' }));
for (const interpolation of ['nearest', 'bilinear']) {
  one(`up-sampling-${interpolation}`, [4, 5, 3], () => L.upSampling2d({ size: [2, 3], interpolation }));
  one(`up-sampling-open-${interpolation}`, [null, null, 3], () => L.upSampling2d({ size: [2, 2], interpolation }));
  one(`up-sampling-first-${interpolation}`, [3, 4, 5], () => L.upSampling2d({ size: [3, 2], interpolation, dataFormat: 'channelsFirst' }));
}
one('center-crop', [9, 11, 3], () => L.centerCrop({ height: 4, width: 5 }));
one('center-crop-odd', [10, 8, 3], () => L.centerCrop({ height: 3, width: 4 }));
one('center-crop-up', [5, 6, 3], () => L.centerCrop({ height: 9, width: 8 }));
one('rescaling', [4, 5, 3], () => L.rescaling({ scale: 1 / 127.5, offset: -1 }));
for (const outputMode of ['multiHot', 'count']) {
  one(`category-${outputMode}`, [5], () => L.categoryEncoding({ numTokens: 9, outputMode }), 'int32');
}
one('masking', [6, 3], () => [L.masking({ maskValue: 0 }), L.dense({ units: 3 })]);
one('time-distributed-dense', [4, 5], () => L.timeDistributed({ layer: L.dense({ units: 3, activation: 'relu' }) }));
one('time-distributed-conv', [4, 6, 7, 3], () => L.timeDistributed({ layer: L.conv2d({ filters: 2, kernelSize: 3 }) }));
one('time-distributed-flatten', [4, 3, 2], () => [L.timeDistributed({ layer: L.flatten() }), L.lstm({ units: 3 })]);
one('time-distributed-open', [null, 5], () => L.timeDistributed({ layer: L.dense({ units: 3 }) }));
for (const kind of ['simpleRNN', 'gru', 'lstm']) {
  for (const returnSequences of [false, true]) {
    for (const goBackwards of [false, true]) {
      const tag = `${kind}-${returnSequences ? 'sequences' : 'last'}${goBackwards ? '-backwards' : ''}`;
      one(tag, [5, 3], () => L[kind]({ units: 4, returnSequences, goBackwards }));
      one(`${tag}-masked`, [6, 3], () => [L.masking({}), L[kind]({ units: 4, returnSequences, goBackwards })]);
    }
    for (const mergeMode of ['concat', 'sum', 'ave', 'mul']) {
      one(`bidirectional-${kind}-${mergeMode}-${returnSequences}`, [5, 3], () => L.bidirectional({ layer: L[kind]({ units: 4, returnSequences }), mergeMode }));
    }
  }
  one(`bidirectional-${kind}-turned`, [5, 3], () => L.bidirectional({ layer: L[kind]({ units: 4, returnSequences: true, goBackwards: true }) }));
  one(`bidirectional-${kind}-masked`, [6, 3], () => [L.masking({}), L.bidirectional({ layer: L[kind]({ units: 4, returnSequences: true }) })]);
  one(`${kind}-open`, [null, 3], () => L[kind]({ units: 4, returnSequences: true }));
  one(`${kind}-no-bias`, [5, 3], () => L[kind]({ units: 4, useBias: false }));
  one(`${kind}-swish`, [5, 3], () => L[kind]({ units: 4, activation: 'swish', returnSequences: true }));
  one(`${kind}-deep`, [5, 3], () => [L[kind]({ units: 4, returnSequences: true }), L[kind]({ units: 2 }), L.dense({ units: 2 })]);
  one(`embedding-masked-${kind}`, [6], () => [L.embedding({ inputDim: 9, outputDim: 4, maskZero: true }), L[kind]({ units: 3 })]);
  one(`cell-${kind}`, [5, 3], () => L.rnn({ cell: L[`${kind}Cell`]({ units: 4 }), returnSequences: true }));
  cases[`state-${kind}`] = () => {
    const input = tf.input({ shape: [5, 3] });
    return tf.model({ inputs: input, outputs: L[kind]({ units: 4, returnState: true, returnSequences: true }).apply(input) });
  };
  cases[`bidirectional-state-${kind}`] = () => {
    const input = tf.input({ shape: [5, 3] });
    return tf.model({ inputs: input, outputs: L.bidirectional({ layer: L[kind]({ units: 4, returnState: true }) }).apply(input) });
  };
  cases[`initial-${kind}`] = () => {
    const input = tf.input({ shape: [5, 3] });
    const states = [...Array(kind === 'lstm' ? 2 : 1)].map(() => tf.input({ shape: [4] }));
    return tf.model({ inputs: [input, ...states], outputs: L[kind]({ units: 4 }).apply(input, { initialState: states }) });
  };
}
one('cells-stacked', [5, 3], () => L.rnn({
  cell: L.stackedRNNCells({ cells: [L.lstmCell({ units: 4 }), L.gruCell({ units: 3 }), L.simpleRNNCell({ units: 2 })] }),
  returnSequences: true,
}));
for (const returnSequences of [false, true]) {
  for (const padding of ['same', 'valid']) {
    one(`conv-lstm-${padding}-${returnSequences}`, [4, 6, 5, 2], () => L.convLstm2d({ filters: 3, kernelSize: 3, padding, returnSequences }));
  }
}
one('conv-lstm-strides', [3, 7, 6, 2], () => L.convLstm2d({ filters: 2, kernelSize: 2, strides: 2, padding: 'same', goBackwards: true, returnSequences: true }));

for (const kind of ['add', 'multiply', 'average', 'maximum', 'minimum']) {
  cases[`${kind}-three`] = () => {
    const inputs = [0, 1, 2].map(() => tf.input({ shape: [4, 3] }));
    return tf.model({ inputs, outputs: L[kind]().apply(inputs) });
  };
  cases[`${kind}-broadcast`] = () => {
    const inputs = [tf.input({ shape: [4, 5, 3] }), tf.input({ shape: [3] })];
    return tf.model({ inputs, outputs: L[kind]().apply(inputs) });
  };
}
for (const axis of [1, 2, -1]) {
  cases[`concatenate-${axis}`] = () => {
    const inputs = [tf.input({ shape: [4, 3] }), tf.input({ shape: [4, 3] })];
    return tf.model({ inputs, outputs: L.concatenate({ axis }).apply(inputs) });
  };
}
for (const [name, first, second, axes] of [['2-2', [4], [4], 1], ['3-3', [4, 5], [3, 5], 2], ['3-3-mixed', [4, 5], [5, 3], [2, 1]],
  ['3-3-first', [5, 4], [5, 3], 1], ['2-3', [5], [5, 3], [1, 1]], ['3-2', [4, 5], [5], [2, 1]]]) {
  for (const normalize of [false, true]) {
    cases[`dot-${name}-${normalize}`] = () => {
      const inputs = [tf.input({ shape: first }), tf.input({ shape: second })];
      return tf.model({ inputs, outputs: L.dot({ axes, normalize }).apply(inputs) });
    };
  }
}
cases['sequential'] = () => tf.sequential({ layers: [
  L.conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu', inputShape: [8, 8, 3] }), L.batchNormalization(),
  L.maxPooling2d({ poolSize: 2 }), L.flatten(), L.dropout({ rate: 0.5 }), L.dense({ units: 5, activation: 'softmax' })] });
cases['sequential-in-sequential'] = () => tf.sequential({ layers: [
  tf.sequential({ layers: [L.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 3] }), L.reLU()] }),
  tf.sequential({ layers: [L.flatten({ inputShape: [6, 6, 4] }), L.dense({ units: 5 })] })] });
cases['model-in-model'] = () => {
  const inner = tf.input({ shape: [6] });
  const model = tf.model({ inputs: inner, outputs: [L.dense({ units: 4 }).apply(inner), L.dense({ units: 3 }).apply(inner)] });
  const outer = [tf.input({ shape: [6] }), tf.input({ shape: [6] })];
  const [a, b] = model.apply(outer[0]);
  const [c] = model.apply(outer[1]);
  return tf.model({ inputs: outer, outputs: [L.add().apply([a, c]), b] });
};
cases['shared-layer'] = () => {
  const inputs = [tf.input({ shape: [6] }), tf.input({ shape: [6] })];
  const shared = L.dense({ units: 4, activation: 'tanh' });
  return tf.model({ inputs, outputs: [L.dot({ axes: 1 }).apply(inputs.map((x) => shared.apply(x))), shared.apply(inputs[0])] });
};
cases['sequential-time-distributed'] = () => tf.sequential({ layers: [
  L.timeDistributed({ layer: L.dense({ units: 3 }), inputShape: [4, 5] }), L.gru({ units: 2 })] });
cases['sequential-embedding'] = () => tf.sequential({ layers: [L.embedding({ inputDim: 9, outputDim: 4, inputLength: 5 }), L.flatten(), L.dense({ units: 2 })] });

/** A random network of pictures: a trunk with branches that meet again. */
function randomPictures(random) {
  const input = tf.input({ shape: [whole(random, 10, 20), whole(random, 10, 20), 3] });
  let x = input;
  const outputs = [];
  const activation = () => pick(random, ['relu', 'relu6', 'linear', 'elu', 'tanh', 'swish', 'sigmoid']);
  const blocks = [
    (y) => L.conv2d({ filters: whole(random, 2, 8), kernelSize: whole(random, 1, 3), padding: 'same', strides: whole(random, 1, 2), activation: activation() }).apply(y),
    (y) => L.batchNormalization().apply(L.conv2d({ filters: whole(random, 2, 8), kernelSize: 3, padding: 'same', useBias: false }).apply(y)),
    (y) => L.reLU({ maxValue: 6 }).apply(L.batchNormalization().apply(L.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthMultiplier: whole(random, 1, 2) }).apply(y))),
    (y) => L.separableConv2d({ filters: whole(random, 2, 6), kernelSize: 3, padding: 'same', activation: activation() }).apply(y),
    (y) => L.prelu({ sharedAxes: [1, 2] }).apply(y),
    (y) => L.add().apply([y, L.conv2d({ filters: y.shape[3], kernelSize: 3, padding: 'same', activation: activation() }).apply(y)]),
    (y) => L.concatenate().apply([y, L.conv2d({ filters: 3, kernelSize: 1, activation: activation() }).apply(y)]),
    (y) => L.multiply().apply([y, L.reshape({ targetShape: [1, 1, y.shape[3]] }).apply(L.dense({ units: y.shape[3], activation: 'sigmoid' }).apply(L.globalAveragePooling2d({}).apply(y)))]),
    (y) => (Math.min(y.shape[1], y.shape[2]) > 3 ? pick(random, [L.maxPooling2d, L.averagePooling2d])({ poolSize: 2, padding: pick(random, ['same', 'valid']) }).apply(y) : y),
    (y) => (Math.max(y.shape[1], y.shape[2]) < 14 ? L.upSampling2d({ size: [2, 2], interpolation: pick(random, ['nearest', 'bilinear']) }).apply(y) : y),
    (y) => (Math.max(y.shape[1], y.shape[2]) < 14 ? L.conv2dTranspose({ filters: whole(random, 2, 5), kernelSize: whole(random, 2, 4), strides: 2, padding: pick(random, ['same', 'valid']) }).apply(y) : y),
    (y) => L.zeroPadding2d({ padding: [[0, 1], [0, 1]] }).apply(y),
    (y) => L.conv2d({ filters: 4, kernelSize: 1 }).apply(L.layerNormalization().apply(y)),
  ];
  for (let n = whole(random, 4, 10); n > 0; n--) {
    x = pick(random, blocks)(x);
    if (random() < 0.15 && x !== input) outputs.push(x);
  }
  outputs.push(L.dense({ units: 4, activation: 'softmax' }).apply(random() < 0.5 ? L.flatten().apply(x) : L.globalMaxPooling2d({}).apply(x)));
  return tf.model({ inputs: input, outputs: [...new Set(outputs)] });
}

/** A random network of sequences. */
function randomSequences(random) {
  const time = whole(random, 6, 12);
  const words = random() < 0.3;
  const input = tf.input({ shape: words ? [time] : [random() < 0.3 ? null : time, whole(random, 2, 5)] });
  let x = words ? L.embedding({ inputDim: 9, outputDim: 4 }).apply(input) : input;
  const recurrent = (options) => pick(random, [L.simpleRNN, L.gru, L.lstm])({ units: whole(random, 2, 6), ...options });
  const blocks = [
    (y) => recurrent({ returnSequences: true, goBackwards: random() < 0.3 }).apply(y),
    (y) => L.bidirectional({ layer: recurrent({ returnSequences: true }), mergeMode: pick(random, ['concat', 'sum', 'ave', 'mul']) }).apply(y),
    (y) => L.conv1d({ filters: whole(random, 2, 6), kernelSize: 3, padding: 'same', activation: 'relu' }).apply(y),
    (y) => L.timeDistributed({ layer: L.dense({ units: whole(random, 2, 5), activation: 'tanh' }) }).apply(y),
    (y) => L.layerNormalization().apply(y),
    (y) => L.maxPooling1d({ poolSize: 2, padding: 'same', strides: 1 }).apply(y),
    (y) => L.add().apply([y, L.dense({ units: y.shape[2] }).apply(y)]),
    (y) => L.batchNormalization().apply(y),
    (y) => L.dropout({ rate: 0.2 }).apply(y),
  ];
  for (let n = whole(random, 2, 5); n > 0; n--) x = pick(random, blocks)(x);
  x = pick(random, [(y) => recurrent({}).apply(y), (y) => L.globalAveragePooling1d().apply(y), (y) => L.globalMaxPooling1d().apply(y)])(x);
  return tf.model({ inputs: input, outputs: L.dense({ units: 3, activation: pick(random, ACTIVATIONS) }).apply(x) });
}

/** A random network of rows, with a model inside that is used twice. */
function randomRows(random) {
  const width = whole(random, 3, 8);
  const inner = tf.sequential();
  inner.add(L.dense({ units: width, activation: pick(random, ACTIVATIONS), inputShape: [width] }));
  if (random() < 0.5) inner.add(L.batchNormalization());
  inner.add(L.dense({ units: width }));
  const inputs = [tf.input({ shape: [width] }), tf.input({ shape: [width] })];
  const [a, b] = inputs.map((x) => inner.apply(x));
  const merged = pick(random, [L.add, L.multiply, L.average, L.maximum, L.minimum, L.concatenate])().apply([a, b]);
  return tf.model({ inputs, outputs: [L.dense({ units: 3, activation: pick(random, ACTIVATIONS) }).apply(merged), a] });
}

/** Every weight random; variances positive. */
function scramble(model, random) {
  model.setWeights(model.weights.map((weight) => {
    const size = weight.shape.reduce((a, b) => a * b, 1);
    const fan = Math.sqrt(Math.max(1, size / (weight.shape.at(-1) ?? 1)));
    const values = Float32Array.from({ length: size }, () => (weight.name.includes('variance') ? 0.5 + random() : (2 * random() - 1) * (weight.shape.length > 1 ? 2 / fan : 0.5)));
    return tf.tensor(values, weight.shape);
  }));
}

/** float32 values as a converter stores them to save space; the entry of the manifest says how. */
function stored(bytes, entry, kind) {
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  if (kind === 'float16') {
    entry.quantization = { dtype: 'float16', original_dtype: 'float32' };
    return Buffer.from(Uint16Array.from(values, half).buffer);
  }
  const [steps, Kind] = kind === 'uint8' ? [255, Uint8Array] : [65535, Uint16Array];
  const min = values.reduce((a, b) => Math.min(a, b), Infinity);
  const scale = (values.reduce((a, b) => Math.max(a, b), -Infinity) - min) / steps || 1;
  entry.quantization = { dtype: kind, min, scale, original_dtype: 'float32' };
  return Buffer.from(Kind.from(values, (value) => Math.round((value - min) / scale)).buffer);
}

/** The nearest smaller float16's bits, which is near enough for weights. */
function half(value) {
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0];
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15;
  if (exponent <= 0) return sign;
  return sign | (Math.min(exponent, 30) << 10) | ((bits >>> 13) & 0x3ff);
}

async function write(name, model, random) {
  const folder = path.join(target, name);
  fs.mkdirSync(folder, { recursive: true });
  scramble(model, random);
  const kind = random() < 0.3 ? pick(random, ['float16', 'uint8', 'uint16']) : null;
  let parts;
  await model.save({ save: async (artifacts) => {
    let offset = 0;
    const data = Buffer.from(artifacts.weightData);
    const chunks = artifacts.weightSpecs.map((entry) => {
      const length = 4 * entry.shape.reduce((a, b) => a * b, 1);
      const bytes = data.subarray(offset, offset + length);
      offset += length;
      return kind && entry.dtype === 'float32' ? stored(bytes, entry, kind) : bytes;
    });
    fs.writeFileSync(path.join(folder, 'weights.bin'), Buffer.concat(chunks));
    const manifest = [{ paths: ['weights.bin'], weights: artifacts.weightSpecs }];
    fs.writeFileSync(path.join(folder, 'model.json'), JSON.stringify({ format: 'layers-model', modelTopology: artifacts.modelTopology, weightsManifest: manifest }));
    const all = Buffer.concat(chunks);
    parts = { modelTopology: artifacts.modelTopology, weightSpecs: artifacts.weightSpecs, weightData: all.buffer.slice(all.byteOffset, all.byteOffset + all.byteLength) };
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  } });
  const loaded = await tf.loadLayersModel({ load: async () => parts });
  if (loaded.getClassName() === 'Sequential') loaded.build();
  const rows = (x) => /embedding|category/.test(name) || loaded.layers.some((layer) => layer.getClassName() === 'Embedding') ? Math.floor(x * 9) : 2 * x - 1;
  const runs = [];
  const answers = [];
  for (const batch of [1, 3]) {
    const feeds = loaded.inputs.map((input) => {
      const shape = input.shape.map((size, axis) => size ?? (axis === 0 ? batch : 7 + batch));
      // Some steps are all zeros, which masks leave out.
      const step = shape.length === 3 ? shape[2] : 1;
      let zero = false;
      const size = shape.reduce((a, b) => a * b, 1);
      return tf.tensor(Float32Array.from({ length: size }, (_, at) => {
        if (at % step === 0) zero = /masked|masking/.test(name) && random() < 0.4;
        return zero ? 0 : rows(random());
      }), shape, input.dtype);
    });
    const results = [loaded.predict(feeds.length === 1 ? feeds[0] : feeds)].flat();
    const unique = (names) => names.map((one_, at) => {
      const before = names.slice(0, at).filter((other) => other === one_).length;
      return before ? `${one_}_${before}` : one_;
    });
    const record = async (kindOf, tensors, names) => Promise.all(tensors.map(async (tensor, at) => {
      const file = `${kindOf}-${batch}-${at}`;
      const values = await tensor.data();
      fs.writeFileSync(path.join(folder, file), Buffer.from(values.buffer, values.byteOffset, values.byteLength));
      return { name: unique(names)[at], shape: tensor.shape, dtype: tensor.dtype, file };
    }));
    runs.push(await record('feed', feeds, loaded.inputNames));
    answers.push(await record('output', results, loaded.outputNames));
  }
  fs.writeFileSync(path.join(folder, 'feeds.json'), JSON.stringify(runs));
  fs.writeFileSync(path.join(folder, 'outputs.json'), JSON.stringify(answers));
}

await tf.setBackend('cpu');
const random = generator(Number(seed));
const makers = { ...cases };
for (let n = 0; n < Number(count); n++) {
  makers[`random-${n}`] = () => pick(random, [randomPictures, randomPictures, randomSequences, randomRows])(random);
}
const refused = [];
for (const [name, make] of Object.entries(makers)) {
  try {
    await write(name, make(), random);
  } catch (error) {
    refused.push(`${name}: ${String(error.message).split('\n')[0]}`);
    fs.rmSync(path.join(target, name), { recursive: true, force: true });
  }
  tf.disposeVariables();
}
console.log(JSON.stringify({ made: Object.keys(makers).length - refused.length, refused }));
