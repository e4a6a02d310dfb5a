"use strict";
// The page around the learner: lays a network into WebAssembly's memory, streams images to it, and draws what it learned.
const by = (id) => document.getElementById(id);
const PACE = [["one image at a time", 1, 150], ["slow", 4, 40], ["fast", 0, 0], ["as fast as it goes, seldom drawn", -1, 0]];
let bytes, wasm, memory, base, run = null, before = [], paused = false, turn = 0;

async function inflate(text) {
  const raw = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// ---- the learner ----------------------------------------------------------------------------------------------------

const up = (n, step) => Math.ceil(n / step) * step;

/** Lay one network into the module's memory, and bring its cells to their start. */
function begin(network, seed) {
  const s = up(base, 16), out = s + up(wasm.page_struct_bytes(), 16), image = out + 4096, model = image + 4096;
  const cells = up(model + network.bytes, 16), need = cells + 1_000_000;
  if (memory.buffer.byteLength < need) memory.grow(Math.ceil((need - memory.buffer.byteLength) / 65536));
  new Uint8Array(memory.buffer).set(bytes.subarray(network.at, network.at + network.bytes), model);
  const words = new DataView(memory.buffer);
  for (const place of network.pointers) words.setUint32(model + place, words.getUint32(model + place, true) + model, true);
  words.setUint32(model + 4, seed, true);
  const room = wasm.page_memory_bytes(model);
  if (cells + room > memory.buffer.byteLength) memory.grow(Math.ceil((cells + room - memory.buffer.byteLength) / 65536));
  must(wasm.synarray_init(s, cells, room, model, 0));
  return { network, seed, s, out, image, room, learned: 0, curve: [], winners: [], done: null };
}

function must(status) { if (status) throw new Error(`the learner answered with status ${status}`); }

function show(r, number) {
  const n = PAGE.features, at = PAGE.images.at + number * n;
  new Uint8Array(memory.buffer).set(bytes.subarray(at, at + n), r.image);
}

function learn(r) {
  show(r, r.learned % PAGE.images.train);
  must(wasm.synarray_learn(r.s, r.image, PAGE.features, r.out));
  r.learned += 1;
}

function read(r, from, count) {
  let right = 0;
  const word = new DataView(memory.buffer);
  for (let i = from; i < from + count; i++) {
    show(r, i);
    must(wasm.synarray_predict(r.s, r.image, PAGE.features, r.out, 0));
    right += word.getUint32(r.out, true) === PAGE.labels[i];
  }
  return right / count;
}

/** Name the neurons by labelled images, and say which share of some others is then read correctly. */
function accuracy(r, naming, from, count) {
  wasm.page_forget_labels(r.s);
  for (let i = 0; i < naming; i++) {
    show(r, i);
    must(wasm.synarray_label(r.s, r.image, PAGE.features, PAGE.labels[i]));
  }
  return read(r, from, count);
}

function events(r) {
  must(wasm.synarray_events(r.s, r.out));
  const words = new DataView(memory.buffer);
  return PAGE.events.map((_, i) => Number(words.getBigUint64(r.out + 8 * i, true)));
}

function joules(r, counted, prices) { return prices ? prices.reduce((sum, price, i) => sum + price * counted[i], 0) : null; }

// ---- drawing --------------------------------------------------------------------------------------------------------

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const rgb = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));

/** The smallest square of pixels that holds what a group sees. */
function frame(pixels) {
  const rows = pixels.map((p) => Math.floor(p / PAGE.side)), columns = pixels.map((p) => p % PAGE.side);
  const top = Math.min(...rows), left = Math.min(...columns);
  return { top, left, size: Math.max(Math.max(...rows) - top, Math.max(...columns) - left) + 1 };
}

function drawFields(r) {
  const canvas = by("fields"), view = canvas.getContext("2d"), groups = PAGE.fields[r.network.fields];
  const frames = groups.map((group) => frame(group.pixels)), size = Math.max(...frames.map((each) => each.size)) + 1;
  const each = Math.max(1, Math.floor(60 / groups.length)), across = Math.min(each, 10), down = Math.ceil(each / across);
  canvas.width = across * size;
  canvas.height = groups.length * down * size;
  const ground = rgb(colour("--ground")), high = rgb(colour("--high")), none = rgb(colour("--line"));
  const picture = view.createImageData(canvas.width, canvas.height);
  for (let p = 0; p < picture.data.length; p += 4) picture.data.set([...ground, 255], p);
  let first = 0;
  groups.forEach((group, g) => {
    for (let k = 0; k < Math.min(each, group.neurons); k++) {
      const n = wasm.page_cells(r.s, first + k, r.out), states = new Uint8Array(memory.buffer, r.out, n);
      const x = (k % across) * size - frames[g].left, y = (g * down + Math.floor(k / across)) * size - frames[g].top;
      for (let j = 0; j < n; j++) {
        const pixel = group.pixels[j], part = states[j] / 254, gone = states[j] === 255;
        const to = 4 * ((y + Math.floor(pixel / PAGE.side)) * canvas.width + x + (pixel % PAGE.side));
        for (let c = 0; c < 3; c++) picture.data[to + c] = gone ? none[c] : ground[c] + (high[c] - ground[c]) * part;
      }
    }
    first += group.neurons;
  });
  view.putImageData(picture, 0, 0);
}

function drawDigit(r) {
  const side = PAGE.side, view = by("digit").getContext("2d"), ink = rgb(colour("--ink")), ground = rgb(colour("--ground"));
  const at = PAGE.images.at + ((Math.max(r.learned, 1) - 1) % PAGE.images.train) * PAGE.features, picture = view.createImageData(side, side);
  for (let p = 0; p < side * side; p++) {
    const part = bytes[at + p] / 255;
    for (let c = 0; c < 3; c++) picture.data[4 * p + c] = ground[c] + (ink[c] - ground[c]) * part;
    picture.data[4 * p + 3] = 255;
  }
  view.putImageData(picture, 0, 0);
}

function drawChart(r) {
  const x = (n) => 34 + (n / PAGE.images.train) * 286, y = (part) => 180 - part * 165;
  const line = (curve, stroke, width) => curve.length < 1 ? "" : `<polyline fill="none" stroke="${stroke}" stroke-width="${width}" points="${curve.map(([n, a]) => `${x(n)},${y(a)}`).join(" ")}"/>`;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((a) => `<line x1="34" x2="320" y1="${y(a)}" y2="${y(a)}" stroke="var(--line)"/><text x="30" y="${y(a) + 4}" text-anchor="end">${100 * a}</text>`);
  const marks = [0, 0.5, 1].map((part) => `<text x="${x(part * PAGE.images.train)}" y="195" text-anchor="${part === 1 ? "end" : "middle"}">${(part * PAGE.images.train).toLocaleString("en")}</text>`);
  by("chart").innerHTML = `<g font-size="10" fill="var(--soft)">${grid.join("")}${marks.join("")}</g>` +
    before.map((curve) => line(curve, "var(--soft)", 1)).join("") + line(r.curve, "var(--accent)", 2.5);
}

function quantity(value, unit) {
  if (value === null) return "no device, no price";
  const power = value > 0 ? Math.min(0, Math.floor(Math.log10(value) / 3)) : 0;
  return `${(value / 1000 ** power).toPrecision(3)} ${["", "m", "\u00b5", "n", "p", "f"][-power]}${unit}`;
}

function drawNumbers(r) {
  const counted = events(r), of = (name) => counted[PAGE.events.indexOf(name)];
  by("images").textContent = r.learned.toLocaleString("en");
  by("ltp").textContent = of("ltp_pulse").toLocaleString("en");
  by("ltd").textContent = of("ltd_pulse").toLocaleString("en");
  by("gone").textContent = of("cell_pruned").toLocaleString("en");
  by("energy").textContent = quantity(joules(r, counted, r.network.prices), "J");
  by("programming").textContent = quantity(joules(r, counted, r.network.programming), "J");
  by("memory").textContent = `${(r.room + wasm.page_struct_bytes()).toLocaleString("en")} bytes`;
  const last = r.curve.at(-1);
  by("accuracy").textContent = r.done !== null ? `${(100 * r.done).toFixed(1)} % (test)` : last ? `${(100 * last[1]).toFixed(0)} %` : "-";
}

function draw(r) { drawFields(r); drawDigit(r); drawChart(r); drawNumbers(r); }

// ---- time -----------------------------------------------------------------------------------------------------------

const CHECKS = [50, 100, 200, 400, 800, 1500];

function step(mine) {
  if (mine !== turn || paused) return;
  const r = run, [, count, wait] = PACE[by("pace").value], until = performance.now() + (count < 0 ? 200 : 12);
  let left = count > 0 ? count : Infinity;
  while (r.learned < PAGE.images.train && left-- > 0 && performance.now() < until) {
    learn(r);
    if (CHECKS.includes(r.learned) || r.learned % 2000 === 0) {
      r.curve.push([r.learned, accuracy(r, PAGE.naming, PAGE.naming, PAGE.check)]);
      break;
    }
  }
  if (r.learned >= PAGE.images.train) {
    by("status").textContent = "Reading the test set, once ...";
    draw(r);
    setTimeout(() => {
      if (mine !== turn) return;
      r.done = accuracy(r, PAGE.images.naming, PAGE.images.train, PAGE.images.test);
      by("status").textContent = `Done: ${(100 * r.done).toFixed(1)} % of ${PAGE.images.test.toLocaleString("en")} test images, after ${((performance.now() - r.start) / 1000).toFixed(1)} s.`;
      draw(r);
    }, 20);
    return;
  }
  draw(r);
  setTimeout(() => requestAnimationFrame(() => step(mine)), wait);
}

function chosen() {
  const device = by("device").value, ideal = device === "", pruned = PAGE.pruned[by("pruned").value];
  const levels = PAGE.levels[by("levels").value];
  return PAGE.networks.find((n) => n.device === device && n.pruned === pruned && (!ideal || n.levels === levels));
}

function restart() {
  if (run && run.curve.length > 1) before = [...before, run.curve].slice(-4);
  const network = chosen();
  by("levels").disabled = network.device !== "";
  by("levels-now").textContent = network.device === "" ? network.levels : "set by the device";
  by("pruned-now").textContent = `${100 * network.pruned} %`;
  by("seed-now").textContent = by("seed").value;
  by("pace-now").textContent = PACE[by("pace").value][0];
  by("about").textContent = network.about;
  run = begin(network, Number(by("seed").value));
  run.start = performance.now();
  by("status").textContent = "Learning ...";
  paused = false;
  by("pause").setAttribute("aria-pressed", "false");
  by("pause").textContent = "Pause";
  turn += 1;
  step(turn);
}

async function open() {
  if (typeof DecompressionStream === "undefined" || typeof WebAssembly === "undefined") {
    by("status").textContent = "This browser is too old: the page needs WebAssembly and DecompressionStream.";
    return;
  }
  bytes = await inflate(PAGE.data);
  const module = await WebAssembly.instantiate(bytes.slice(PAGE.module.at, PAGE.module.at + PAGE.module.bytes), {});
  wasm = module.instance.exports;
  memory = wasm.memory;
  base = wasm.__heap_base.value;
  for (const each of PAGE.networks) {
    if (![...by("device").options].some((option) => option.value === each.device)) by("device").add(new Option(each.title, each.device));
  }
  by("levels").max = by("levels").value = PAGE.levels.length - 1;
  by("pruned").max = PAGE.pruned.length - 1;
  by("pruned").value = 0;
  by("device").value = PAGE.networks[0].device;
  for (const id of ["device", "levels", "pruned", "seed", "again"]) by(id).addEventListener(id === "again" ? "click" : "change", restart);
  by("pace").addEventListener("input", () => { by("pace-now").textContent = PACE[by("pace").value][0]; });
  by("pause").addEventListener("click", () => {
    paused = !paused;
    by("pause").setAttribute("aria-pressed", String(paused));
    by("pause").textContent = paused ? "Continue" : "Pause";
    if (!paused) { turn += 1; step(turn); }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => run && draw(run));
  restart();
}

open().catch((error) => { by("status").textContent = `The learner stopped: ${error.message}`; console.error(error); });
