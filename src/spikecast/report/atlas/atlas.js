"use strict";
// The matrix and a pair's page, drawn from the JSON in #data. What is shown is in the address
// (#pair=VISp > MOs), so that the browser's "back" works and a pair can be linked to.

const atlas = JSON.parse(document.getElementById("data").textContent);
const byId = (name) => document.getElementById(name);
const number = (value) => (value === null ? "–" : value.toFixed(3).replace("-", "−"));

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in made && key !== "style") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// ---------------------------------------------------------------------------------- the cells

const views = {};
for (const [name, view] of Object.entries(atlas.views)) {
  const cells = {};
  for (const row of view.cells) {
    const cell = Object.fromEntries(view.columns.map((column, i) => [column, row[i]]));
    const known = cell.trial_shuffle !== null && cell.train_mean !== null;
    cell.shuffled = known ? cell.train_mean - cell.trial_shuffle : null;
    cells[`${cell.source} > ${cell.target}`] = cell;
  }
  views[name] = { cells, orders: view.orders };
}

function interval(low, high) {
  return low === null ? "" : ` [${number(low)}, ${number(high)}]`;
}

// what the test says of a cell; of all sessions: in how many it passes
function outcome(cell) {
  if (cell.n_sessions) {
    const held = `${cell.n_sessions} session${cell.n_sessions > 1 ? "s" : ""}`;
    const untested = cell.n_tested < cell.n_sessions ? ` (${cell.n_tested} tested)` : "";
    return cell.n_sessions === 1
      ? `one session only, where it ${cell.passes ? "passes" : "does not pass"}${untested}`
      : `passes in ${cell.passes} of ${held}${untested}`;
  }
  if (cell.p === null) return `no claim: ${cell.untested || "no shift test"}`;
  const p = `p ${cell.p.toFixed(4)} by shifts, corrected ${cell.p_corrected.toFixed(3)}`;
  if (cell.passes) return `passes (${p})`;
  return `does not pass (${cell.low > 0 ? "" : "its interval is not above 0; "}${p})`;
}

function sentence(cell) {
  if (cell.value === null) return `${cell.source} → ${cell.target}: ${cell.error || "no score"}`;
  const within = cell.source === cell.target ? " (one half from the other)" : "";
  let text = `${cell.source} → ${cell.target}${within}: ${number(cell.value)}`;
  text += `${interval(cell.low, cell.high)} ${atlas.unit} beyond task and drift; ${outcome(cell)}`;
  text += `; above the training mean ${number(cell.train_mean)}`;
  if (cell.shuffled !== null) text += `, ${number(cell.shuffled)} of it swapped within condition`;
  if (cell.n_source) text += `; ${cell.n_source} → ${cell.n_target} neurons`;
  return text;
}

// white to blue above the null, white to red below; linear, one scale for both
function color(value, most) {
  const part = Math.min(1, Math.abs(value) / most);
  const [r, g, b] = value >= 0 ? [8, 81, 156] : [178, 24, 43];
  const mix = (full) => Math.round(255 + (full - 255) * part);
  return { background: `rgb(${mix(r)}, ${mix(g)}, ${mix(b)})`, ink: part > 0.55 ? "#fff" : "#1d2125" };
}

// ---------------------------------------------------------------------------------- the matrix

const NOTES = {
  value: `What the source tells beyond ${atlas.rung}. A cell is filled only if it passes: its interval lies `
    + "above 0, and shifting the source's trials against the target's loses it (corrected for all pairs of the session).",
  train_mean: "Above each neuron's mean in the training trials: the task and the session's drift count too, so that "
    + "a high score is no evidence that one area tells about another. Nothing is tested here.",
  shuffled: "What is left of the score above the training mean when the source's trials are swapped within a condition.",
};
const POOLED_NOTE = " The numbers say in how many sessions the pair passes, of those that hold it; the color is the mean "
  + "over sessions.";

function isPooled() {
  return byId("session").value === atlas.pooled;
}

function current() {
  return views[`${byId("session").value}|${byId("model").value}`];
}

function drawMatrix() {
  const view = current();
  const table = byId("matrix");
  table.replaceChildren();
  byId("cell-text").textContent = "";
  if (!view) {
    byId("cell-text").textContent = "This model has no scores here.";
    return;
  }
  const quantity = byId("quantity").value;
  const [sources, targets] = view.orders[byId("order").value];
  const shown = Object.values(view.cells).map((cell) => cell[quantity]).filter((value) => value !== null);
  // one scale for both scores of the source alone, or switching would hide that the control is weaker
  const scaled = quantity === "value" ? "value" : "train_mean";
  const all = Object.values(view.cells).map((cell) => cell[scaled]).filter((value) => value !== null);
  const most = Math.max(1e-9, ...all);
  const heads = targets.map((target) => element("th", { scope: "col" }, element("span", {}, target)));
  table.append(element("thead", {}, element("tr", {}, element("th"), ...heads)));
  const body = element("tbody");
  for (const source of sources) {
    const row = element("tr", {}, element("th", { scope: "row" }, source));
    for (const target of targets) row.append(element("td", {}, cellButton(view, source, target, quantity, most)));
    body.append(row);
  }
  table.append(body);
  byId("lowest").textContent = shown.length ? "0" : "";
  byId("highest").textContent = number(most);
  byId("matrix-note").textContent = NOTES[quantity] + (quantity === "value" && isPooled() ? POOLED_NOTE : "");
  byId("scale").style.background = `linear-gradient(to right, #fff, ${color(most, most).background})`;
}

function cellButton(view, source, target, quantity, most) {
  const name = `${source} > ${target}`;
  const cell = view.cells[name];
  const button = element("button", { type: "button" });
  if (!cell || cell[quantity] === null) {
    button.className = "missing";
    button.disabled = !cell;
    button.title = cell ? sentence(cell) : `${source} → ${target}: not in this atlas`;
    if (!cell) return button;
  } else if (quantity === "value" && !cell.passes) {
    button.className = "empty";
    const tested = isPooled() ? cell.n_tested : cell.p !== null;
    button.textContent = !tested ? "?" : isPooled() ? `0/${cell.n_sessions}` : "·";
    button.title = sentence(cell);
  } else {
    const { background, ink } = color(cell[quantity], most);
    button.style.background = background;
    button.style.color = ink;
    const pooled = quantity === "value" && isPooled();
    const digits = Math.abs(cell[quantity]) < 0.0095 ? 3 : 2; // what passes is no zero
    const short = cell[quantity].toFixed(digits).replace("0.", ".").replace("-", "−");
    button.textContent = pooled ? `${cell.passes}/${cell.n_sessions}` : short;
    button.title = sentence(cell);
  }
  if (source === target) button.classList.add("within");
  const show = () => (byId("cell-text").textContent = sentence(cell));
  button.addEventListener("mouseenter", show);
  button.addEventListener("focus", show);
  button.addEventListener("click", show); // a finger does not point
  button.addEventListener("click", () => (location.hash = `pair=${encodeURIComponent(name)}`));
  return button;
}

// ---------------------------------------------------------------------------------- a pair

// a line with its interval, and its folds as dots, on a scale that all rows share
function strip(cell, folds, low, high) {
  const width = 220;
  const at = (value) => (4 + ((width - 8) * (value - low)) / (high - low)).toFixed(1);
  let inside = `<line x1="${at(0)}" x2="${at(0)}" y1="0" y2="22" stroke="#aaa"/>`;
  if (cell.low !== null) {
    inside += `<line x1="${at(cell.low)}" x2="${at(cell.high)}" y1="11" y2="11" stroke="#08519c" stroke-width="2"/>`;
  }
  for (const fold of folds) {
    if (fold !== null) inside += `<circle cx="${at(fold)}" cy="11" r="2.5" fill="#08519c" fill-opacity=".35"/>`;
  }
  inside += `<circle cx="${at(cell.value)}" cy="11" r="4" fill="#d55e00"/>`;
  const drawing = element("td");
  drawing.innerHTML = `<svg width="${width}" height="22" role="img" aria-label="score, interval and folds">${inside}</svg>`;
  return drawing;
}

function shortOutcome(cell) {
  if (cell.n_sessions) return cell.n_sessions === 1 ? "one session" : `in ${cell.passes} of ${cell.n_sessions}`;
  if (cell.p === null) return `not tested: ${cell.untested || "no shift test"}`;
  if (cell.passes) return `yes (p ${cell.p.toFixed(4)})`;
  return cell.low > 0 ? `no (p ${cell.p.toFixed(4)})` : "no (not above 0)";
}

function pairTable(name) {
  const rows = [];
  for (const session of [atlas.pooled, ...atlas.sessions]) {
    for (const model of atlas.models) {
      const cell = views[`${session}|${model}`]?.cells[name];
      if (cell) rows.push({ session, model, cell, details: atlas.details[`${session}|${model}|${name}`] || [] });
    }
  }
  if (!rows.length) return element("p", {}, "This pair was not recorded in any session.");
  const reached = rows.flatMap(({ cell, details }) => [
    0, cell.value, cell.low, cell.high, ...details.flatMap((detail) => detail.folds)]);
  const finite = reached.filter((value) => value !== null);
  const [low, high] = [Math.min(...finite), Math.max(...finite, 1e-6)];
  const heads = ["session", "model", `${atlas.unit} beyond task and drift`, "", "passes", "above the training mean",
    "swapped within condition", "neurons of the target: quartiles", "above 0", "neurons"];
  const body = element("tbody");
  for (const { session, model, cell, details } of rows) {
    const [first] = details;
    const folds = details.flatMap((detail) => detail.folds);
    const words = cell.value === null ? cell.error : `${number(cell.value)}${interval(cell.low, cell.high)}`;
    const spread = first && first.neurons.length ? first.neurons.slice(1, 4).map(number).join(" / ") : "";
    body.append(element("tr", {},
      element("td", { className: "word" }, session),
      element("td", { className: "word" }, model),
      element("td", {}, words),
      cell.value === null ? element("td") : strip(cell, folds, low, high),
      element("td", { className: "word" }, cell.value === null ? "" : shortOutcome(cell)),
      element("td", {}, number(cell.train_mean)),
      element("td", {}, number(cell.shuffled)),
      element("td", {}, spread),
      element("td", {}, first ? `${first.above} of ${first.of}` : ""),
      element("td", {}, cell.n_source ? `${cell.n_source} → ${cell.n_target}` : `${cell.n_sessions} sessions`)));
  }
  const head = element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", {}, text))));
  return element("div", { className: "scroll" }, element("table", { className: "plain" }, head, body));
}

function drawPair(name) {
  const [source, target] = name.split(" > ");
  const page = byId("pair");
  const link = (text, hash) => element("a", { href: hash }, text);
  const parts = [
    element("nav", {}, link("← the matrix", "#")),
    element("h1", {}, source === target ? `${target} from itself` : `${target} from ${source}`),
    pairTable(name),
    element("p", { className: "note" }, "Orange: the score; bar: its 95 % interval over trials"
      + (atlas.matched ? " and draws of neurons" : "") + " (for all sessions: over sessions and trials); pale dots: folds"
      + (atlas.matched ? " of every draw" : "") + "; grey line: 0, what "
      + `${atlas.rung} explain without any source. ` + "Every session and model of the pair is on the same scale."),
  ];
  if (source !== target && Object.values(views).some((view) => `${target} > ${source}` in view.cells)) {
    parts.push(element("h2", {}, `The other way round: ${source} from ${target}`), pairTable(`${target} > ${source}`),
      element("p", { className: "note" }, "Two scores of different neurons: their difference is no direction of flow."));
  }
  const notes = Object.entries(atlas.details)
    .filter(([key]) => key.endsWith(`|${name}`))
    .flatMap(([key, details]) => details.flatMap((detail) => detail.notes).map((note) => `${key.split("|")[0]}: ${note}`));
  if (notes.length) {
    const items = [...new Set(notes)].map((note) => element("li", {}, note));
    parts.push(element("div", { className: "warnings" }, element("ul", {}, ...items)));
  }
  page.replaceChildren(...parts);
}

// ---------------------------------------------------------------------------------- which of both

function show() {
  const match = location.hash.match(/^#pair=(.*)$/);
  byId("all").hidden = Boolean(match);
  byId("pair").hidden = !match;
  if (match) drawPair(decodeURIComponent(match[1]));
  window.scrollTo(0, 0);
}

const names = [...new Set(Object.keys(views).map((name) => name.split("|")[0]))];
byId("session").append(...names.map((name) => element("option", { value: name }, name)));
byId("model").append(...atlas.models.map((name) => element("option", { value: name }, name)));
byId("quantity").value = atlas.above === "train_mean" ? "train_mean" : "value";
for (const choice of ["session", "model", "quantity", "order"]) byId(choice).addEventListener("change", drawMatrix);
window.addEventListener("hashchange", show);
drawMatrix();
show();
