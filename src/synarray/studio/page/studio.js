/* The page of the studio: it shows what the worker sends, and asks it for one training after another. No library but uPlot. */
"use strict";
(() => {
const $ = id => document.getElementById(id);
const make = (tag, text, attributes = {}) => {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};
const css = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const MOST_BYTES = 16 * 2 ** 20, MOST_PINS = 4;
const PIN_COLOURS = ["vermilion", "green", "purple", "amber"], PIN_DASH = [[8, 4], [2, 3], [10, 3, 2, 3], [5, 5]];

/* ---- numbers as people read and write them ------------------------------------------------------------------------------ */
const PREFIX = {T: 1e12, G: 1e9, M: 1e6, k: 1e3, "": 1, m: 1e-3, u: 1e-6, n: 1e-9, p: 1e-12, f: 1e-15, a: 1e-18};
function quantity(value, unit, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return `0 ${unit}`;
  for (const [prefix, factor] of Object.entries(PREFIX)) {
    if (Math.abs(value) >= factor * 0.99995 || prefix === "a") return `${Number((value / factor).toPrecision(digits))} ${prefix}${unit}`;
  }
}
const count = value => value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en");
const percent = (value, digits = 2) => value === null || value === undefined ? "–" : `${(100 * value).toFixed(digits)} %`;
function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 120) return quantity(seconds, "s");
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
function shown(control, value) {
  if (value === null || value === undefined) return control.none;
  if (control.unit === "%") return `${Number((100 * value).toPrecision(3))} %`;
  if (control.unit) return quantity(value, control.unit, 4);
  return control.scale.includes("whole") ? count(value) : `${Number(Number(value).toPrecision(4))}`;
}
function understood(control, text) {
  const trimmed = text.trim().replaceAll(",", "").replace("µ", "u").replace("Ω", "ohm");
  if (control.none && trimmed.toLowerCase() === control.none) return null;
  const parts = /^([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)\s*([TGMkmunpfa]?)(S|ohm|%)?$/i.exec(trimmed);
  if (!parts) return undefined;
  const number = Number(parts[1]), prefix = parts[2] in PREFIX ? PREFIX[parts[2]] : 1;
  if (control.unit === "%") return number / 100;
  return control.unit ? number * prefix : number;
}

/* ---- state ----------------------------------------------------------------------------------------------------------------- */
let hello = null, asked = null, starting = null, number = Date.now(), socket = null, lost = false, full = false;
let controls = {}, nodes = {}, history = [], values = {}, reasons = {};
let run = null, before = null, pins = [], reference = 0, layer = "conductance", fitted = null;
const fresh = () => ({points: [], done: null, verdict: null, places: null, fields: null, array: null, spikes: null, n: 0, total: 0, words: ""});
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const encode = value => btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value)))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
function decode(text) {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), c => c.charCodeAt(0));
    const value = JSON.parse(new TextDecoder().decode(bytes));
    return value && typeof value === "object" && typeof value.base === "string" && value.set && typeof value.set === "object" ? value : null;
  } catch { return null; }
}
function remember() {
  try { sessionStorage.setItem("synarray-pins", JSON.stringify({pins, reference})); } catch { /* private windows keep nothing */ }
}
function recall() {
  try {
    const kept = JSON.parse(sessionStorage.getItem("synarray-pins"));
    if (kept && Array.isArray(kept.pins)) { pins = kept.pins.slice(0, MOST_PINS); reference = kept.reference || 0; }
  } catch { /* nothing was kept */ }
}

/* ---- the connection --------------------------------------------------------------------------------------------------------- */
function connect() {
  socket = new WebSocket(`ws://${location.host}${location.pathname}talk`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = event => answer(JSON.parse(event.data));
  socket.onclose = () => {
    if (full) return;
    lost = true;
    enable(false);
    banner("The connection to the studio is lost. It is tried again every second; what is pinned stays here. If the command has ended, start it again: synarray studio");
    setTimeout(connect, 1000);
  };
}
const send = request => { if (socket && socket.readyState === 1) socket.send(JSON.stringify(request)); };
function answer(message) {
  if (message.t === "hello") return begin(message);
  if (message.t === "lost") return banner(message.again ? "The process that computes has died; another one replaces it." : "The process that computes dies again and again. Look at the terminal for the reason, then reload the page.");
  if (message.t === "full") { full = true; return banner(`The studio serves ${message.most} pages at a time. Close one of them, then reload this one.`); }
  if (message.t === "study") return study(message);
  if (message.t === "file") return filed(message);
  if (message.t === "error") { if (message.id === number || message.id === 0) failed(message); return; }
  if (message.id !== number && !hello.watched) return;
  if (message.t === "begin") begun(message);
  else if (message.t === "frame") framed(message);
  else if (message.t === "done") finished(message);
  else if (message.t === "verdict") { run.verdict = message; drawVerdict(); }
}
function banner(text) {
  $("banner").hidden = !text;
  $("banner").textContent = text || "";
}
const say = text => { $("said").textContent = text; };
function begin(message) {
  const again = hello !== null;
  hello = message;
  controls = Object.fromEntries(hello.controls.map(control => [control.key, control]));
  if (!again) {
    recall();
    build();
    asked = decode(location.hash.slice(1)) || hello.asked;
    starting = hello.asked;
    run = fresh();
  }
  lost = false;
  banner("");
  enable(true);
  document.body.dataset.ready = "yes";
  if (hello.watched) {
    document.body.classList.add("watched");
    $("result").replaceChildren(make("p", "The result appears when the run is finished.", {class: "soft"}));
    words("waiting", `watching ${hello.watched}`);
    send({t: "watch", id: number});
  } else if (!again && hello.pulses && !location.hash) {
    words("–", `reading ${hello.pulses}`);
    send({t: "opened", id: ++number});
  } else request();
  drawPins();
}
function enable(on) {
  const free = on && !(hello && hello.watched);
  for (const id of ["device", "base", "data", "file"]) $(id).disabled = !free;
  for (const node of Object.values(nodes)) {
    const off = !free || Boolean(reasons[node.control.key]);
    for (const input of node.inputs) input.disabled = off;
  }
  buttons();
}
function buttons() {
  const known = Boolean(run && run.words && hello && !lost);
  $("undo").disabled = !history.length || lost;
  $("pin").disabled = !(run && run.done) || hello.watched || pins.length >= MOST_PINS;
  $("pin").title = pins.length >= MOST_PINS ? "Four are pinned: remove one first." : "";
  for (const id of ["link", "command", "python", "toml"]) $(id).disabled = !known;
}

/* ---- asking for a training ---------------------------------------------------------------------------------------------------- */
let waiting = null, last = 0;
function request() {
  const wait = Math.max(0, 60 - (performance.now() - last));
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    waiting = null;
    last = performance.now();
    number += 1;
    document.body.dataset.state = "asked";
    send({t: "train", id: number, asked});
  }, wait);
}
function change(next, gesture = null) {
  if (same(next, asked)) return;
  const latest = history[history.length - 1];
  if (!(gesture && latest && latest.gesture === gesture)) history.push({asked: structuredClone(asked), gesture});
  if (history.length > 200) history.shift();
  asked = next;
  request();
  buttons();
}
function set(key, value, gesture) {
  const next = structuredClone(asked);
  if (value === null) delete next.set[key]; else next.set[key] = value;
  const own = {local: "local-fields", full: "full-field"}; // settings are chosen for each kind of fields
  if (key === "fields.kind" && Object.values(own).includes(next.base)) { next.base = own[value]; delete next.set[key]; }
  if (key === "pruning.mode") {
    if (value === "none") delete next.set["pruning.fraction"];
    else if (!(values["pruning.fraction"] > 0)) next.set["pruning.fraction"] = 0.75;
  }
  change(next, gesture);
}
function undo() {
  const step = history.pop();
  if (!step) return;
  asked = step.asked;
  say("Undone.");
  request();
  buttons();
}

/* ---- controls ----------------------------------------------------------------------------------------------------------------- */
const STEPS = 1000;
function toSlider(control, value) {
  const {low, high, scale} = control;
  if (value === null || value === undefined) return STEPS;
  const at = scale.startsWith("log") ? Math.log(Math.max(value, low) / low) / Math.log(high / low)
    : scale === "square" ? Math.sqrt(Math.max(0, value - low) / (high - low)) : (value - low) / (high - low);
  return Math.round(STEPS * Math.min(1, Math.max(0, at)));
}
function fromSlider(control, position) {
  const {low, high, scale} = control, at = position / STEPS;
  const value = scale.startsWith("log") ? low * (high / low) ** at : scale === "square" ? low + (high - low) * at * at : low + (high - low) * at;
  if (scale.includes("whole")) return Math.round(value);
  return Number(value.toPrecision(3));
}
function build() {
  for (const control of hello.controls) {
    const box = make("div", null, {class: control.scale === "choice" ? "choice" : "control"});
    const id = `c-${control.key.replaceAll(".", "-")}`, inputs = [];
    const label = make("label", null, {for: id});
    const name = make("span", control.label);
    if (hello.glossary[control.term]) name.dataset.term = control.term;
    label.append(name);
    box.append(label);
    const why = make("span", "", {class: "why", id: `${id}-why`});
    if (control.scale === "choice") {
      const choice = make("select", null, {id});
      for (const word of control.choices) choice.append(make("option", word, {value: word}));
      choice.onchange = () => set(control.key, choice.value);
      box.append(choice);
      inputs.push(choice);
    } else {
      const typed = make("input", null, {type: "text", inputmode: "text", autocomplete: "off", spellcheck: "false"});
      typed.onchange = () => {
        const value = understood(control, typed.value);
        if (value === undefined) { banner(`${control.label} must be a number${control.unit ? ` in ${control.unit}` : ""}: got "${typed.value}".`); typed.value = shown(control, values[control.key]); return; }
        set(control.key, value);
      };
      typed.onkeydown = event => { if (event.key === "Enter") typed.blur(); };
      if (control.scale === "number") { typed.id = id; box.append(typed); inputs.push(typed); }
      else {
        typed.setAttribute("aria-label", `${control.label}, typed`);
        const slider = make("input", null, {type: "range", id, min: 0, max: STEPS, step: control.scale === "whole" ? STEPS / (control.high - control.low) : 1});
        let gesture = 0;
        slider.onpointerdown = () => { gesture += 1; };
        slider.onfocus = () => { gesture += 1; };
        slider.oninput = () => {
          const none = control.none && Number(slider.value) === STEPS;
          const value = none ? null : fromSlider(control, Number(slider.value));
          untip();
          typed.value = shown(control, value);
          slider.setAttribute("aria-valuetext", typed.value);
          set(control.key, value, `${control.key} ${gesture}`);
        };
        box.append(typed, slider);
        inputs.push(slider, typed);
      }
    }
    const about = hello.glossary[control.term];
    if (about) {
      const hidden = make("span", about, {id: `${id}-about`, hidden: ""});
      box.append(hidden);
    }
    for (const input of inputs) input.setAttribute("aria-describedby", `${about ? `${id}-about ` : ""}${id}-why`);
    box.append(why);
    $(`place-${control.place}`).append(box);
    nodes[control.key] = {box, inputs, why, control};
  }
  for (const name of hello.experiments) $("base").append(make("option", name, {value: name}));
  for (const name of hello.data) $("data").append(make("option", name, {value: name}));
  const device = $("device");
  device.append(make("option", "ideal weights, no device", {value: ""}));
  for (const [name, title] of hello.library) device.append(make("option", title && title !== name ? `${name} (${title.slice(0, 40)})` : name, {value: name}));
  device.append(make("option", "measured, from a file", {value: "*", disabled: ""}));
  for (const name of ["conductance", "writes", "pruned", "stuck"]) {
    const label = make("label"), radio = make("input", null, {type: "radio", name: "layer", value: name});
    radio.checked = name === layer;
    radio.onchange = () => { layer = name; drawArray(); };
    label.append(radio, name === "writes" ? "pulses" : name);
    $("layers").append(label);
  }
  device.onchange = () => {
    const next = structuredClone(asked);
    for (const key of Object.keys(next.set)) if (key === "device" || key.startsWith("device.")) delete next.set[key];
    if (device.value === "*") next.set.device = fitted.device;
    else if (device.value) next.set.device = device.value;
    change(next);
  };
  $("base").onchange = () => change({base: $("base").value, set: {epochs: 1}});
  $("data").onchange = () => set("data", $("data").value);
  paint($("fields-scale"), 64, 1, i => colour(i / 63));
  paint($("array-scale"), 64, 1, i => colour(i / 63));
  terms(document.body);
}
function show() {
  for (const {box, inputs, why, control} of Object.values(nodes)) {
    const value = values[control.key], reason = reasons[control.key] || "";
    box.classList.toggle("off", Boolean(reason));
    box.classList.toggle("changed", control.key in asked.set && !same(asked.set[control.key], starting.set[control.key]));
    why.textContent = run.device ? reason : "";
    for (const input of inputs) {
      input.disabled = Boolean(reason) || Boolean(hello.watched) || lost;
      if (input.type === "range") {
        if (document.activeElement !== input || !input.matches(":active")) input.value = toSlider(control, value);
        input.setAttribute("aria-valuetext", shown(control, value));
      } else if (input.tagName === "SELECT") input.value = value;
      else if (document.activeElement !== input) input.value = shown(control, value);
    }
  }
  $("ideal").hidden = Boolean(run.device);
  $("fit").hidden = !(fitted && same(asked.set.device, fitted.device));
  $("base").value = asked.base;
  $("data").value = asked.set.data || hello.data[0];
  const device = asked.set.device;
  const measured = $("device").lastElementChild, ideal = $("device").firstElementChild;
  measured.disabled = !(fitted || typeof device === "object");
  measured.textContent = typeof device === "object" ? `${device.name || "a table"} (measured, or a table)` : "measured, from a file";
  $("device").value = typeof device === "object" ? "*" : device || (run.device && hello.library.some(([name]) => name === run.device) ? run.device : "");
  ideal.disabled = Boolean(run.device && !("device" in asked.set));
}

/* ---- answers -------------------------------------------------------------------------------------------------------------------- */
function words(large, small) {
  $("now-accuracy").textContent = large;
  $("now-words").textContent = small;
}
function begun(message) {
  document.body.dataset.state = "learning";
  if (run && run.points.length && run.words) before = run;
  const kept = run;
  run = fresh();
  run.asked = message.asked; run.command = message.command; run.python = message.python; run.toml = message.toml;
  run.device = message.device; run.words = message.command; run.number = message.id;
  if (kept) { run.places = kept.places; run.fields = kept.fields; run.array = kept.array; run.spikes = kept.spikes; }
  if (waiting !== null) return; // a slider has moved on: what it asks for comes next
  asked = message.asked;
  values = message.values; reasons = message.disabled;
  show();
  banner("");
  if (!hello.watched) window.history.replaceState(null, "", `#${encode(asked)}`);
  words("–", "preparing");
  $("progress").value = 0;
  clearTimeout(begun.slow);
  begun.slow = setTimeout(() => { if (!run.n && !run.done) words("–", "preparing: loading the images; on a new machine compiling, once, which takes up to some minutes"); }, 2500);
  buttons();
  drawCurve();
}
function framed(message) {
  if (message.places) { run.places = message.places; run.points = []; }
  if (message.layer) { run.layer = message.layer; run.taught = message.taught; }
  if (message.fields) { run.fields = message.fields; drawFields(); }
  if (message.spikes) { run.spikes = message.spikes; drawSpikes(); }
  if (message.array) { run.array = {...message.array}; drawArray(); }
  if (message.n) { run.n = message.n; run.total = message.total; }
  if (message.points && message.points.length) { run.points.push(...message.points); drawCurve(); }
  const latest = [...run.points].reverse().find(point => point[1] !== null);
  $("progress").value = run.total ? run.n / run.total : 0;
  if (message.rate) $("speed").textContent = message.reading ? "reading the images without learning" : `${count(run.n)} of ${count(run.total)} images, ${count(message.rate)} a second`;
  words(latest ? percent(latest[1], 1) : "–", message.reading ? "reading: labels and test" : `so far, while ${run.layer ? `layer ${run.layer}` : "it"} learns${run.taught ? "; taught, so it is read in the test only" : ""}`);
  if (latest && !run.first) { run.first = performance.now(); document.body.dataset.first = run.number; }
}
function finished(message) {
  run.done = message.bill;
  run.fields = message.fields;
  run.array = message.array;
  const bill = run.done;
  words(percent(bill.accuracy), `of ${count(bill.test_images || 10000)} test images; ${percent(bill.accuracy_low, 1)} to ${percent(bill.accuracy_high, 1)}`);
  $("progress").value = 1;
  const simulated = Object.values(bill.simulated).reduce((sum, part) => sum + part, 0);
  $("speed").textContent = `${count(bill.images_seen)} images; simulated in ${simulated.toFixed(1)} s`;
  drawFields(); drawSpikes(); drawArray(); drawCurve(); drawBill(); drawVerdict(); drawPins(); buttons();
  say(`Accuracy ${percent(bill.accuracy)}.${bill.price ? ` Energy of the training ${quantity(bill.price.total, "J")}.` : ""}`);
  document.body.dataset.state = "done";
  document.body.dataset.done = run.number;
}
function failed(message) {
  document.body.dataset.state = "refused";
  words("–", "not trained");
  const got = message.got.startsWith("{") ? "" : `: got ${message.got}`; // a whole table says nothing here
  banner(`${message.rule[0].toUpperCase()}${message.rule.slice(1)}${got}. ${message.do}`);
  $("drop").classList.remove("busy");
  buttons();
}

/* ---- pictures ------------------------------------------------------------------------------------------------------------------- */
const STOPS = [[0, 32, 77], [61, 78, 109], [124, 123, 120], [188, 175, 111], [255, 234, 70]]; /* cividis: even for the colour-blind */
function colour(share) {
  const at = Math.min(0.9999, Math.max(0, share)) * (STOPS.length - 1), i = Math.floor(at), part = at - i;
  return STOPS[i].map((low, channel) => Math.round(low + part * (STOPS[i + 1][channel] - low)));
}
const LUT = Array.from({length: 256}, (_, i) => colour(i / 255));
const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
function paint(canvas, width, height, dot) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i += 1) {
    const rgb = dot(i);
    if (rgb) image.data.set([rgb[0], rgb[1], rgb[2], 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}
function drawFields() {
  const places = run.places;
  if (!places || !run.fields || run.fields.length !== places.places.length) return;
  const boxes = places.places.map(pixels => {
    const xs = pixels.map(pixel => pixel % places.width), ys = pixels.map(pixel => Math.floor(pixel / places.width));
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  });
  const side = 1 + Math.max(...boxes.map(([left, top, right, bottom]) => Math.max(right - left, bottom - top))), canvas = $("fields");
  const total = places.neurons.reduce((sum, group) => sum + group.length, 0);
  const across = Math.min(total, canvas.clientWidth < 500 ? 8 : 12), down = Math.ceil(total / across);
  const sheet = across * (side + 2) - 2, dots = new Int16Array(sheet * (down * (side + 2) - 2)).fill(-1);
  let at = 0;
  run.fields.forEach((text, g) => {
    const w = bytes(text), pixels = places.places[g], [left, top] = boxes[g];
    for (let k = 0; k < places.neurons[g].length; k += 1, at += 1) {
      const x = (at % across) * (side + 2) - left, y = Math.floor(at / across) * (side + 2) - top;
      pixels.forEach((pixel, i) => { dots[(y + Math.floor(pixel / places.width)) * sheet + x + pixel % places.width] = w[k * pixels.length + i]; });
    }
  });
  paint(canvas, sheet, dots.length / sheet, i => dots[i] < 0 ? null : LUT[dots[i]]);
  canvas.setAttribute("aria-label", `Receptive fields of ${total} neurons: the weights of each, laid back over the part of the image that it sees`);
}
function ready(canvas) {
  const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return [context, width, height];
}
function drawSpikes() {
  if (!run.spikes) return;
  const {winners, draws, neurons} = run.spikes, [context, width, height] = ready($("spikes"));
  const step = width / winners.length;
  context.strokeStyle = css("line");
  for (let i = 0; i < winners.length; i += 1) if ((winners.length - i) % draws === 0 && draws > 1) { context.beginPath(); context.moveTo(i * step, 0); context.lineTo(i * step, height); context.stroke(); }
  context.fillStyle = css("blue");
  context.globalAlpha = 0.85;
  winners.forEach((row, i) => row.forEach(k => { if (k >= 0) context.fillRect(i * step, (k + 0.5) / neurons * height - 1.5, Math.max(2, Math.min(step - 1, 6)), 3); }));
  $("spikes-words").textContent = `(time from left to right; ${count(neurons)} neurons from top to bottom)`;
}
function drawArray() {
  const view = run.array;
  if (!view) {
    paint($("array"), 1, 1, () => null);
    $("array-words").textContent = run.device ? "" : "(ideal weights are in no array)";
    $("array-low").textContent = $("array-high").textContent = "";
    return;
  }
  const there = view[layer] ? layer : "conductance", dots = bytes(view[there]);
  paint($("array"), view.columns, view.rows, i => dots[i] ? LUT[dots[i]] : null);
  const [height, width] = view.of.cells, ends = view.of.ends[there];
  $("array-words").textContent = `(${count(height)} rows x ${count(width)} columns in use${view.of.arrays > 1 ? `, the first of ${view.of.arrays} arrays` : ""})`;
  const text = value => there === "conductance" ? quantity(value, "S") : there === "writes" ? `${count(value)} pulses` : percent(value, 0);
  $("array-low").textContent = text(ends[0]);
  $("array-high").textContent = text(ends[1]);
  $("array").setAttribute("aria-label", `Map of the array: ${there === "writes" ? "pulses received" : there}, ${height} rows by ${width} columns, from ${text(ends[0])} to ${text(ends[1])}`);
  for (const radio of document.querySelectorAll("input[name=layer]")) radio.disabled = !view[radio.value];
}
const WHOLE = [1, 10, 100, 1e3, 1e4, 1e5, 1e6].flatMap(each => [each, 2 * each, 5 * each]);
let plot = null, plotted = "";
function lines() {
  const found = [];
  if (document.body.classList.contains("study")) return [{name: "each finished run", colour: "blue", width: 0, points: run.points, dot: true}];
  if (before && before !== run && before.points.length) found.push({name: "the one before", colour: "grey", width: 2, points: before.points});
  pins.forEach((pin, i) => found.push({name: `pinned ${"ABCD"[i]}`, colour: PIN_COLOURS[i], width: 1.5, dash: PIN_DASH[i], points: pin.points}));
  found.push({name: "this one", colour: "blue", width: 2.5, points: run.points});
  if (run.done && run.n) found.push({name: `its test after the training: ${percent(run.done.accuracy)}`, colour: "blue", width: 2.5, points: [[run.total, run.done.accuracy]], dot: true});
  return found;
}
function drawCurve() {
  const series = lines(), at = [...new Set(series.flatMap(line => line.points.map(point => point[0])))].sort((a, b) => a - b);
  const columns = series.map(line => {
    const found = new Map(line.points.map(point => [point[0], point[1] === null ? null : 100 * point[1]]));
    return at.map(x => found.has(x) ? found.get(x) : undefined);
  });
  const data = [at.length ? at : [0], ...(at.length ? columns : columns.map(() => [null]))];
  const shape = JSON.stringify([series.map(line => [line.name, line.colour]), css("ink"), $("curve").clientWidth]);
  if (plot && shape === plotted) { plot.setData(data); return; }
  if (plot) plot.destroy();
  plotted = shape;
  const axis = {stroke: css("soft"), grid: {stroke: css("line"), width: 1}, ticks: {stroke: css("line")}, font: "12px system-ui"};
  plot = new uPlot({
    width: Math.max(200, $("curve").clientWidth), height: innerWidth > 1900 ? 320 : 230, legend: {show: false}, cursor: {drag: {x: false, y: false}},
    scales: {x: {time: false}, y: {range: (_, low, high) => low === null ? [0, 100] : [Math.max(0, Math.floor(low / 5) * 5), Math.min(100, Math.ceil((high + 0.5) / 5) * 5)]}},
    axes: [{...axis, incrs: WHOLE, values: (_, ticks) => ticks.map(tick => tick >= 1000 ? `${tick / 1000}k` : tick)}, {...axis, size: 52, values: (_, ticks) => ticks.map(tick => `${tick} %`)}],
    series: [{}, ...series.map(line => ({label: line.name, stroke: css(line.colour), width: line.width, dash: line.dash, spanGaps: true, points: {show: Boolean(line.dot), size: 11, fill: css("ground")}}))],
  }, data, $("curve"));
  const legend = $("legend");
  legend.replaceChildren(...series.map(line => {
    const item = make("li"), mark = make("i", null, {class: line.dot ? "dot" : "line"});
    mark.style.borderColor = css(line.colour);
    if (line.dash) mark.style.borderTopStyle = "dashed";
    item.append(mark, line.name);
    return item;
  }));
}

/* ---- the result --------------------------------------------------------------------------------------------------------------- */
const MEASURES = [
  ["Accuracy", bill => bill.accuracy, value => percent(value), "points", "accuracy"],
  ["Energy of the training", bill => bill.price && bill.price.total, value => quantity(value, "J"), "times", "energy"],
  ["Time, row by row", bill => bill.price && bill.price.seconds["row-parallel"], duration, "times", ""],
  ["Time, cell by cell", bill => bill.price && bill.price.seconds.sequential, duration, "times", ""],
  ["Trainings of life", bill => bill.life && bill.life.trainings, value => typeof value === "string" ? value : value === null ? "unknown" : value >= 10 ? count(value) : Number(value.toPrecision(2)), "times", "trainings of life"],
  ["Pulses", bill => bill.pulses, count, "times", "pulse"],
  ["Cells", bill => bill.n_cells * bill.cells_per_weight, count, "times", "cell"],
  ["Cells pruned or never there", bill => bill.spared_fraction, value => percent(value, 0), "points", "pruned share"],
];
function compared(kind, value, other) {
  if (typeof value !== "number" || typeof other !== "number") return "";
  if (kind === "points") return `${value >= other ? "+" : "−"}${Math.abs(100 * (value - other)).toFixed(2)}`;
  return other ? `x ${Number((value / other).toPrecision(3))}` : "";
}
function drawBill() {
  const bill = run.done, target = $("result"), pinned = pins[reference];
  if (!bill) return;
  const parts = [make("p", percent(bill.accuracy), {class: "large", id: "accuracy"})];
  parts.push(make("p", `of the test images read correctly; 95 % interval ${percent(bill.accuracy_low)} to ${percent(bill.accuracy_high)}`, {class: "soft"}));
  const box = make("div", null, {class: "wide"}), table = make("table"), body = make("tbody");
  if (pinned) {
    const head = make("thead"), row = make("tr");
    row.append(make("td"), ...["this one", `pinned ${"ABCD"[reference]}`, "difference"].map(text => make("th", text, {scope: "col"})));
    head.append(row);
    table.append(head);
  }
  for (const [name, value, text, kind, term] of MEASURES) {
    const mine = value(bill), row = make("tr"), head = make("th", null, {scope: "row"}), label = make("span", name);
    if (mine === null || mine === undefined) continue;
    if (hello.glossary[term]) label.dataset.term = term;
    head.append(label);
    row.append(head, make("td", text(mine)));
    if (pinned) { const its = value(pinned.bill); row.append(make("td", its === null || its === undefined ? "–" : text(its)), make("td", compared(kind, mine, its))); }
    body.append(row);
  }
  table.append(body);
  box.append(table);
  parts.push(box);
  if (bill.price) {
    parts.push(make("h3", `Energy by component${bill.price.confirmed ? "" : " (some prices unconfirmed)"}`));
    const grid = make("div", null, {class: "cost"}), most = Math.max(...Object.values(bill.price.parts));
    for (const [name, joules] of Object.entries(bill.price.parts).filter(([, joules]) => joules > 0)) {
      const track = make("span", null, {class: "track"}), fill = make("i");
      fill.style.width = `${100 * joules / most}%`;
      track.append(fill);
      grid.append(make("b", name), track, make("span", quantity(joules, "J")));
    }
    parts.push(grid);
  } else if (run.device) parts.push(make("p", "A layer of ideal weights meets no conductance, so this network has no price.", {class: "soft"}));
  else parts.push(make("p", "Ideal weights meet no conductance, so they have no price. Choose a device.", {class: "soft"}));
  const notes = [...bill.notes, ...(bill.price ? bill.price.notes : [])];
  if (bill.life && !bill.life.confirmed) notes.push("The endurance of this device is unconfirmed, so its trainings of life are too.");
  if (notes.length) parts.push(folded(`${notes.length} note${notes.length > 1 ? "s" : ""}`, list(notes)));
  if (run.command) parts.push(folded("The command", make("pre", run.command, {id: "command-text", tabindex: 0})));
  target.replaceChildren(...parts);
  terms(target);
}
function list(texts) {
  const items = make("ul", null, {class: "notes"});
  items.append(...texts.map(text => make("li", text)));
  return items;
}
function folded(title, ...inner) {
  const details = make("details");
  details.append(make("summary", title), ...inner);
  return details;
}
function drawVerdict() {
  const verdict = run.verdict, target = $("verdict");
  if (!verdict) {
    target.replaceChildren(make("p", (run.device && !(run.done && run.done.layers)) || !run.done ? "It is worked out after each training, in the background." : run.done.layers ? "Networks of several layers have no verdict yet." : "Ideal weights have no imperfections.", {class: "soft"}));
    return;
  }
  const grid = make("div", null, {class: "cost"}), [full] = verdict.full, [ideal] = verdict.ideal;
  const ends = [0, 100 * (ideal - full), ...verdict.costs.map(cost => cost.points), verdict.together || 0], low = Math.min(...ends), span = Math.max(...ends) - low || 1;
  const bar = (from, to, kind) => {
    const track = make("span", null, {class: "track"}), fill = make("i", null, {class: kind});
    fill.style.left = `${100 * (Math.min(from, to) - low) / span}%`;
    fill.style.width = `max(2px, ${100 * Math.abs(to - from) / span}%)`;
    track.append(fill);
    return track;
  };
  const signed = value => `${value >= 0 ? "" : "−"}${Math.abs(value).toFixed(2)}`;
  const opened = target.querySelector("details[open]"), intervals = [];
  const names = {c2c: "cycle to cycle", d2d: "device to device"};
  for (const cost of verdict.costs) {
    const name = (names[cost.property] || cost.property) + (cost.assumed ? " ?" : "");
    grid.append(make("b", name), bar(0, cost.points, cost.points < 0 ? "gain" : ""), make("span", signed(cost.points), {class: "number"}));
    if (cost.low !== null) intervals.push(`${name}: ${signed(cost.points)}, 95 % interval ${signed(cost.low)} to ${signed(cost.high)}`);
  }
  if (verdict.together !== null && verdict.costs.length > 1) grid.append(make("b", "together"), bar(0, verdict.together, verdict.together < 0 ? "gain" : ""), make("span", signed(verdict.together), {class: "number"}));
  grid.append(make("b", "all of them"), bar(0, 100 * (ideal - full), "whole"), make("span", signed(100 * (ideal - full)), {class: "number"}));
  const widths = verdict.costs.filter(cost => cost.low !== null).map(cost => cost.high - cost.points).sort((a, b) => a - b);
  const scatter = widths.length ? ` Differences below about ${widths[Math.floor(widths.length / 2)].toFixed(2)} points cannot be seen.` : "";
  const more = intervals.length ? [folded("Intervals", list(intervals))] : [];
  for (const each of more) each.open = Boolean(opened);
  target.replaceChildren(grid, make("p", `Points of accuracy that each imperfection costs: ${percent(ideal, 1)} without them, ${percent(full, 1)} with all, on ${count(verdict.images[1])} images held out, after ${count(verdict.images[0])} images of training.${scatter} ${verdict.done} of ${verdict.of} trainings done.`, {class: "soft"}), ...more);
}

/* ---- pins ----------------------------------------------------------------------------------------------------------------------- */
function difference(one) {
  const keys = Object.keys(one.set).filter(key => !same(one.set[key], starting.set[key]));
  const texts = keys.map(key => `${key.replace(/^(device|array|pruning|fields)\./, "")} ${typeof one.set[key] === "object" ? one.set[key].name || "table" : one.set[key]}`);
  return [one.base !== starting.base ? one.base : "", ...texts].filter(Boolean).join(", ") || "as at the start";
}
function pin() {
  if (!run.done || pins.length >= MOST_PINS) return;
  pins.push({asked: run.asked, bill: run.done, points: run.points, name: difference(run.asked), command: run.command});
  say(`Pinned as ${"ABCD"[pins.length - 1]}.`);
  pinned();
}
function pinned() {
  reference = Math.min(reference, Math.max(0, pins.length - 1));
  remember(); drawPins(); drawBill(); drawCurve(); buttons();
}
function drawPins() {
  const target = $("pins");
  if (!pins.length) { target.replaceChildren(make("p", "Pin a result to compare others with it: up to four.", {class: "soft"})); return; }
  const table = make("table"), head = make("thead"), row = make("tr"), body = make("tbody");
  row.append(make("td"), ...pins.map((_, i) => make("th", "ABCD"[i], {scope: "col"})));
  head.append(row);
  const changed = make("tr");
  changed.append(make("th", "What is changed", {scope: "row"}), ...pins.map(one => make("td", one.name)));
  body.append(changed);
  for (const [name, value, text] of MEASURES.slice(0, 6)) {
    const line = make("tr");
    line.append(make("th", name, {scope: "row"}), ...pins.map(one => { const found = value(one.bill); return make("td", found === null || found === undefined ? "–" : text(found)); }));
    body.append(line);
  }
  const last = make("tr");
  last.append(make("th", "", {scope: "row"}), ...pins.map((one, i) => {
    const cell = make("td", null, {class: "pin-buttons"}), letter = "ABCD"[i];
    const button = (text, what, act) => { const made = make("button", text, {"aria-label": `${what} ${letter}`}); made.onclick = act; return made; };
    const refer = button("reference", "Compare with", () => { reference = i; pinned(); });
    refer.setAttribute("aria-pressed", String(i === reference));
    cell.append(refer, button("open", "Open", () => change(structuredClone(one.asked))), button("remove", "Remove", () => { pins.splice(i, 1); if (reference > i) reference -= 1; pinned(); $("pin").focus(); }));
    return cell;
  }));
  body.append(last);
  table.append(head, body);
  const box = make("div", null, {class: "wide"});
  box.append(table);
  target.replaceChildren(box);
}

const MEANINGS = {
  device_id: "which device", cycle: "which train", pulse: "which pulse of it", polarity: "LTP or LTD", amplitude_V: "voltage of the pulse",
  width_s: "width of the pulse", G_S: "conductance after it", read_V: "voltage of the read", temperature_K: "temperature",
  time_s: "time", per_row: "pulses before each read",
};

/* ---- a file of measured pulses ---------------------------------------------------------------------------------------------- */
async function take(file) {
  if (!file || !hello || hello.watched || lost) return;
  if (file.size > MOST_BYTES) { banner(`A dropped file must be at most 16 MB: got ${(file.size / 2 ** 20).toFixed(1)} MB (${file.name}). Keep fewer devices or cycles, or fit it at the shell: synarray device fit.`); return; }
  const content = await file.arrayBuffer();
  banner("");
  words("–", `reading ${file.name} and fitting a device to it`);
  document.body.dataset.state = "fitting";
  number += 1;
  send({t: "file", name: file.name, id: number});
  socket.send(content);
}
function filed(message) {
  fitted = message;
  const box = $("fit"), g = message.fitted.concat(...message.trains).filter(Number.isFinite), highest = Math.max(...g);
  const [factor, unit] = highest >= 1e-3 ? [1e3, "mS"] : highest >= 1e-6 ? [1e6, "uS"] : [1e9, "nS"];
  const canvas = make("canvas", null, {role: "img", "aria-label": `${message.trains.length} measured trains of ${message.name} with the fitted device, ${message.law} law`});
  canvas.style.height = "130px";
  const columns = make("table"), body = make("tbody");
  columns.append(body);
  for (const [name, meaning, inUnit, why] of message.columns) { const row = make("tr"); row.append(make("th", name, {scope: "row"}), make("td", (MEANINGS[meaning] || meaning) + (inUnit ? ` (${inUnit})` : ""), {title: why})); body.append(row); }
  const numbers = make("table"), inner = make("tbody");
  numbers.append(inner);
  for (const [key, value, low, high] of message.numbers) { const row = make("tr"), text = part => key.startsWith("g_") ? quantity(part, "S") : Number(part.toPrecision(3)).toString(); row.append(make("th", key, {scope: "row"}), make("td", text(value)), make("td", low === high ? "" : `${text(low)} to ${text(high)}`)); inner.append(row); }
  const warnings = message.warnings.map(text => make("p", text, {class: "warning"}));
  const discarded = Object.entries(message.discarded).map(([reason, n]) => `${count(n)} rows not used: ${reason}`);
  box.replaceChildren(
    make("h3", message.name), canvas, make("p", `Grey: measured. Orange: the fitted device without noise, law ${message.law}. Conductance in ${unit}, from 0 to ${Number((highest * factor).toPrecision(3))}.`, {class: "soft"}),
    make("p", `${count(message.rows_used)} rows used: ${message.layout}.`, {class: "soft"}), ...warnings,
    folded("Columns and their meaning", columns, list([...message.said, ...discarded])), folded("Numbers of the fit, with 95 % intervals", numbers), folded("In words", list(message.verdict)),
  );
  box.hidden = false;
  const [context, width, height] = ready(canvas), longest = Math.max(message.fitted.length, ...message.trains.map(train => train.length));
  const draw = (train, stroke, thick) => {
    context.strokeStyle = stroke;
    context.lineWidth = thick;
    context.beginPath();
    train.forEach((value, i) => context[i ? "lineTo" : "moveTo"](4 + (width - 8) * i / Math.max(1, longest - 1), height - 4 - (height - 8) * value / highest));
    context.stroke();
  };
  for (const train of message.trains) draw(train, css("grey"), 0.7);
  draw(message.fitted, css("vermilion"), 2.2);
  box.hidden = true;
  const next = structuredClone(asked);
  for (const key of Object.keys(next.set)) if (key.startsWith("device")) delete next.set[key];
  next.set.device = message.device;
  say(`${message.name} is read and fitted: law ${message.law}.`);
  if (same(next, asked)) request(); else change(next);
}

/* ---- a study that is watched ------------------------------------------------------------------------------------------------ */
function study(message) {
  const box = $("study"), table = make("table"), body = make("tbody");
  box.hidden = false;
  document.body.classList.add("study");
  const first = message.done + message.failed - message.rows.length;
  run.points = message.rows.flatMap((row, i) => row.accuracy === null ? [] : [[first + i + 1, row.accuracy]]);
  $("curve-words").textContent = "of the runs, in the order of the plan";
  drawCurve();
  const best = message.rows.reduce((found, row) => row.accuracy > (found ? found.accuracy : -1) ? row : found, null);
  words(best ? percent(best.accuracy) : "–", `best of ${count(message.done)} of ${count(message.planned)} runs of ${message.name}`);
  $("progress").value = message.planned ? message.done / message.planned : 0;
  $("speed").textContent = `${count(message.done)} of ${count(message.planned)} runs done, ${count(message.failed)} failed`;
  for (const row of [...message.rows].reverse()) {
    const line = make("tr"), where = Object.entries(row.at).map(([key, value]) => `${key} ${value}`).join(", ");
    line.append(make("th", `${where}, seed ${row.seed}`, {scope: "row"}), make("td", row.failed ? "failed" : percent(row.accuracy)), make("td", row.pulses === null ? "" : `${count(row.pulses)} pulses`));
    body.append(line);
  }
  table.append(body);
  box.replaceChildren(make("h2", `Study ${message.name}`), table);
  document.body.dataset.study = message.done;
}

/* ---- explanations on hover and on focus --------------------------------------------------------------------------------------- */
function tip(target, text) {
  const box = $("tip");
  box.textContent = text;
  box.hidden = false;
  const at = (target.closest(".control, .choice, figcaption, h2, tr") || target).getBoundingClientRect();
  const page = document.documentElement.clientWidth, width = box.offsetWidth, height = box.offsetHeight;
  const beside = at.right + width + 16 <= page, above = at.top - height - 8;
  const left = beside ? at.right + 8 : Math.max(8, Math.min(at.left, page - width - 8));
  const top = beside ? Math.max(8, Math.min(at.top, innerHeight - height - 8)) : above > 60 ? above : at.bottom + 8;
  box.style.left = `${left + scrollX}px`;
  box.style.top = `${top + scrollY}px`;
}
const untip = () => { $("tip").hidden = true; };
function terms(root) {
  for (const element of root.querySelectorAll("[data-term]")) {
    const text = hello.glossary[element.dataset.term];
    if (!text || element.dataset.bound) continue;
    element.dataset.bound = "yes";
    element.onmouseenter = () => tip(element, text);
    element.onmouseleave = untip;
    const input = element.closest("label") && (element.closest("label").control || element.closest("label").querySelector("select"));
    if (input) {
      input.addEventListener("focus", () => { if (input.matches(":focus-visible")) tip(element, text); });
      input.addEventListener("blur", untip);
    } else {
      element.tabIndex = 0;
      element.setAttribute("aria-label", `${element.textContent}: ${text}`);
      element.setAttribute("role", "note");
      element.onfocus = () => tip(element, text);
      element.onblur = untip;
    }
  }
}

/* ---- buttons, keys, files --------------------------------------------------------------------------------------------------------- */
async function copy(text, what) {
  try { await navigator.clipboard.writeText(text); } catch {
    const area = make("textarea", null, {class: "unseen"});
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  document.body.dataset.copied = text;
  say(`${what} copied.`);
  const button = document.activeElement;
  if (button && button.tagName === "BUTTON") { const words = button.dataset.words || button.textContent; button.dataset.words = words; button.textContent = "Copied"; setTimeout(() => { button.textContent = words; }, 1200); }
}
$("undo").onclick = undo;
$("pin").onclick = pin;
$("link").onclick = () => copy(`${location.origin}${location.pathname}#${encode(run.asked)}`, "The link is");
$("command").onclick = () => copy(run.command, "The command is");
$("python").onclick = () => copy(run.python, "The Python is");
$("toml").onclick = () => {
  const link = make("a", null, {download: "experiment.toml"});
  link.href = URL.createObjectURL(new Blob([run.toml], {type: "application/toml"}));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  say("The experiment is saved as experiment.toml.");
};
$("file").onchange = () => { take($("file").files[0]); $("file").value = ""; };
addEventListener("keydown", event => {
  if (event.key === "Escape") untip();
  const typing = document.activeElement && (document.activeElement.type === "text");
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing && !lost) { event.preventDefault(); undo(); }
});
addEventListener("dragover", event => { event.preventDefault(); document.body.classList.add("dropping"); });
addEventListener("dragleave", event => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
addEventListener("drop", event => { event.preventDefault(); document.body.classList.remove("dropping"); take(event.dataTransfer.files[0]); });
addEventListener("hashchange", () => { const found = decode(location.hash.slice(1)); if (found && hello && !hello.watched && !same(found, asked)) change(found); });
let resized = null;
const redraw = () => { if (run) { drawCurve(); drawFields(); drawSpikes(); } };
addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(redraw, 150); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
connect();
})();
