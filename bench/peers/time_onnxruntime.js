// time_onnxruntime.js FILE THREADS SECONDS LIMIT DIMENSION...: times predictions of ONNX Runtime for an
// input of these dimensions: floats, or with LIMIT > 0 tokens below it. Prints a JSON object.
const ort = require('onnxruntime-node');

function input(limit, dims) {
  const count = dims.reduce((a, b) => a * b, 1);
  if (limit) {
    const tokens = BigInt64Array.from({ length: count }, (_, i) => BigInt((i * 7919) % limit));
    return new ort.Tensor('int64', tokens, dims);
  }
  return new ort.Tensor('float32', Float32Array.from({ length: count }, (_, i) => Math.sin(i)), dims);
}

async function measure(step, seconds) {
  const times = [];
  let start = performance.now();
  for (let i = 0; i < 1 || performance.now() - start < seconds * 250; i++) await step();
  start = performance.now();
  const enough = () => seconds * (times.length < 3 ? 4000 : 1000); // milliseconds
  while (times.length < 4000 && (!times.length || performance.now() - start < enough())) {
    const before = performance.now();
    await step();
    times.push(performance.now() - before);
  }
  return times.sort((a, b) => a - b);
}

async function main() {
  const [file, threads, seconds, limit, ...dims] = process.argv.slice(2);
  const session = await ort.InferenceSession.create(file, {
    intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: 'sequential',
    graphOptimizationLevel: 'all', executionProviders: ['cpu'] });
  const x = input(Number(limit), dims.map(Number));
  const t = await measure(() => session.run({ x }), Number(seconds));
  console.log(JSON.stringify({
    batch: Number(dims[0]), threads: Number(threads), steps: t.length, med_ms: t[t.length >> 1],
    min_ms: t[0], p10_ms: t[Math.floor(t.length * 0.1)], p90_ms: t[Math.floor(t.length * 0.9)],
    resident_bytes: process.resourceUsage().maxRSS * 1024,
    version: require('onnxruntime-node/package.json').version }));
}

main().catch((error) => {
  console.error(`time_onnxruntime: ${error.message}`);
  process.exit(1);
});
