// What makes a page work: commands change one state, and the page is drawn from the state.
// Time passes only when the page is told so; nothing here depends on the real clock.
"use strict";
const state = JSON.parse(document.getElementById("state").textContent);
const anchors = {}; // layer -> the place it was opened from
let opener = null;
const layers = [...(state["ui.layers"] || [])];
const views = [];
const timers = [];
let now = 0;
let keyboardFor = null;

const one = (id) => document.querySelector(`[data-e="${CSS.escape(id)}"]`);
const read = (key) => state[key];
const holds = (condition) => {
  if (condition.includes("~")) {
    const [key, member] = condition.split("~");
    return (state[key] || []).includes(member);
  }
  const [key, value] = condition.split("=");
  const found = read(key);
  return value === undefined ? Boolean(found) : String(found) === value;
};

const commands = {
  set: (key, value) => { state[key] = value; },
  toggle: (key) => { state[key] = !state[key]; },
  add: (key, value) => { state[key] = [...(state[key] || []), value]; },
  drop: (key, value) => { state[key] = (state[key] || []).filter((v) => v !== value); },
  count: (key, step) => { state[key] = (state[key] || 0) + step; },
  copy: (from, to) => { state[to] = state[from]; },
  clear: (...keys) => { for (const key of keys) state[key] = ""; },
  keep: (name, ...keys) => {
    state[name] = [...(state[name] || []), Object.fromEntries(keys.map((k) => [k, state[k]]))];
  },
  show: (view) => { views.push(state["ui.view"]); state["ui.view"] = view; keyboard(null); },
  open: (layer) => {
    if (layers.includes(layer)) return;
    layers.push(layer);
    anchors[layer] = opener;
    keyboard(null);
  },
  switch: (layer) => { layers.pop(); commands.open(layer); },
  pop: () => { layers.pop(); keyboard(null); },
  hide: (id) => { state["ui.hidden"] = [...(state["ui.hidden"] || []), id]; },
  say: (text) => { state["ui.toast"] = text; later(4000, [["set", "ui.toast", ""]]); },
  need: (keys, then, otherwise) => {
    const missing = keys.filter((key) => !String(state[key] ?? "").trim());
    run(missing.length ? (otherwise || [["say", "Please fill in every field."]]) : then);
  },
  match: (pairs, then, otherwise) => {
    run(Object.entries(pairs).every(([k, v]) => state[k] === v) ? then : otherwise);
  },
  after: (ms, then) => later(ms, then),
};

function run(list) {
  for (const [name, ...rest] of list || []) commands[name](...rest);
  render();
}

function later(ms, list) { timers.push([now + ms, list]); }

// Called from outside: time passes, and what was waiting for it happens.
function advance(ms) {
  now += ms;
  for (let due; (due = timers.findIndex(([at]) => at <= now)) >= 0;) run(timers.splice(due, 1)[0][1]);
}

function goBack() {
  if (keyboardFor) keyboard(null);
  else if (layers.length) layers.pop();
  else if (views.length) state["ui.view"] = views.pop();
  else if (document.querySelector(".launcher")) state["ui.launcher"] = true;
  render();
}

function openApp(name) {
  if (name === document.body.dataset.app) state["ui.launcher"] = false;
  render();
}

function keyboard(field) {
  keyboardFor = field;
  if (!field && document.activeElement) document.activeElement.blur();
  const panel = document.querySelector(".keyboard");
  if (panel) panel.classList.toggle("on", Boolean(field));
  if (panel && field) field.scrollIntoView({ block: "nearest" });
}

const each = (selector, work) => document.querySelectorAll(selector).forEach(work);

function render() {
  each("[data-text]", (el) => {
    const value = read(el.dataset.text);
    el.textContent = Array.isArray(value) ? String(value.length) : String(value ?? "");
  });
  each("[data-when]", (el) => { el.hidden = !el.dataset.when.split("&").every(holds); });
  each("[data-lit]", (el) => {
    const on = holds(el.dataset.lit);
    el.classList.toggle("on", on);
    const role = el.getAttribute("role");
    if (role === "tab") el.setAttribute("aria-selected", on);
    else if (role === "button" || !role) el.setAttribute("aria-pressed", on);
    else el.setAttribute("aria-checked", on);
  });
  each("[data-view]", (el) => { el.hidden = el.dataset.view !== state["ui.view"]; });
  each("[data-layer]", (el) => {
    el.hidden = !layers.includes(el.dataset.layer);
    el.style.zIndex = 100 + layers.indexOf(el.dataset.layer);
    const menu = el.querySelector(":scope > .menu");
    if (menu && !el.hidden) place(menu, anchors[el.dataset.layer], el.getBoundingClientRect());
  });
  each("[data-key]", (el) => {
    const value = String(state[el.dataset.key] ?? "");
    if (el.value !== value) el.value = value;
  });
  each("[data-slider]", (el) => {
    const value = state[el.dataset.slider];
    const share = (value - el.dataset.min) / (el.dataset.max - el.dataset.min);
    el.style.setProperty("--share", share);
    el.setAttribute("aria-valuenow", value);
  });
  each("[data-list]", list);
  const hidden = state["ui.hidden"] || [];
  each("[data-gone]", (el) => { if (hidden.includes(el.dataset.gone)) el.hidden = true; });
  each("[data-rows]", rows);
  const toast = document.querySelector(".toast");
  if (toast) { toast.hidden = !state["ui.toast"]; toast.textContent = state["ui.toast"] || ""; }
}

// A menu opens below what opened it, above where there is no room, and always inside.
function place(menu, from, around) {
  const at = from || { left: around.left, top: around.top, bottom: around.top };
  const { width, height } = menu.getBoundingClientRect();
  const fits = at.bottom + 4 + height <= around.bottom - 4;
  const top = fits ? at.bottom + 4 : Math.max(around.top + 4, at.top - height - 4);
  const left = Math.max(around.left + 4, Math.min(at.left, around.right - width - 4));
  menu.style.top = `${top - around.top}px`;
  menu.style.left = `${left - around.left}px`;
}

// A list shows those of its items that satisfy its query, group, limit and page, in its order.
function list(el) {
  const name = el.dataset.list;
  const [query, group, most, order] =
    ["query", "group", "most", "order"].map((key) => state[`${name}.${key}`]);
  const items = [...el.querySelectorAll(":scope > [data-item]")];
  const fits = items.filter((item) =>
    (!query || item.dataset.item.toLowerCase().includes(String(query).trim().toLowerCase())) &&
    (!group || item.dataset.group === group) &&
    (most === undefined || Number(item.dataset.number) <= most));
  items.forEach((item) => { item.hidden = true; });
  const size = Number(el.dataset.page || 0), page = state[`${name}.page`] || 1;
  if (order) {
    const [key, way] = order.split(" ");
    const value = (item) => key === "number" ? Number(item.dataset.number) : item.dataset.item;
    const sign = way === "down" ? -1 : 1;
    fits.sort((a, b) => (value(a) < value(b) ? -sign : value(a) > value(b) ? sign : 0));
    fits.forEach((item) => el.appendChild(item));
  }
  fits.forEach((item, i) => { item.hidden = Boolean(size) && Math.floor(i / size) + 1 !== page; });
  const none = el.parentElement.querySelector(".none");
  if (none) none.hidden = fits.length > 0;
}

// Rows made from a list in the state by a template: sent messages, new events.
function rows(el) {
  el.querySelectorAll(":scope > [data-made]").forEach((row) => row.remove());
  const template = el.querySelector(":scope > template");
  for (const record of state[el.dataset.rows] || []) {
    const row = template.content.firstElementChild.cloneNode(true);
    row.dataset.made = "";
    for (const slot of row.querySelectorAll("[data-slot]")) {
      slot.textContent = typeof record === "object" ? record[slot.dataset.slot] : record;
    }
    el.appendChild(row);
  }
  if (el.dataset.end !== undefined) el.scrollTop = el.scrollHeight;
}

const wants = (target, name) => target.closest ? target.closest(`[data-${name}]`) : null;
const list_of = (el, name) => JSON.parse(el.dataset[name]);

let swallowed = false;
document.addEventListener("click", (event) => {
  if (swallowed) { swallowed = false; event.preventDefault(); return; }
  if (event.target.matches("input, textarea")) { keyboard(event.target); return; }
  const el = wants(event.target, "do");
  const top = layers[layers.length - 1];
  const layer = event.target.closest("[data-layer]");
  if (top && (!layer || layer.dataset.layer !== top || event.target === layer)) {
    const open = one(`layer:${top}`);
    if (!open || open.dataset.modal === undefined) { layers.pop(); render(); }
    if (!el || layer === event.target) return;
  }
  if (el && !el.disabled) {
    event.preventDefault();
    opener = el.getBoundingClientRect();
    run(list_of(el, "do"));
  }
});
document.addEventListener("dblclick", (event) => {
  const el = wants(event.target, "twice");
  if (el) run(list_of(el, "twice"));
});
document.addEventListener("contextmenu", (event) => {
  event.preventDefault();
  const el = wants(event.target, "held");
  if (el && !layers.length) hold(el, event.clientX, event.clientY);
});

function hold(el, x, y) {
  opener = { left: x, top: y, bottom: y };
  run(list_of(el, "held"));
}

let held = null;
document.addEventListener("pointerdown", (event) => {
  swallowed = false;
  const el = wants(event.target, "held");
  if (el && event.pointerType === "touch") {
    const mine = (held = {});
    timers.push([now + 500, [["hold"]]]);
    commands.hold = () => {
      if (held !== mine) return;
      swallowed = true;
      hold(el, event.clientX, event.clientY);
    };
  }
  const slider = wants(event.target, "slider");
  if (slider) { slide(slider, event); slider.dataset.sliding = ""; }
});
document.addEventListener("pointermove", (event) => each("[data-sliding]", (el) => slide(el, event)));
document.addEventListener("pointerup", () => {
  held = null;
  each("[data-sliding]", (el) => delete el.dataset.sliding);
});
document.addEventListener("pointercancel", () => { held = null; });

function slide(el, event) {
  const box = el.getBoundingClientRect();
  const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  const { min, max, step } = el.dataset;
  const value = Number(min) + share * (max - min);
  state[el.dataset.slider] = Math.round(value / step) * step;
  render();
}

document.addEventListener("input", (event) => {
  const key = event.target.dataset.key;
  if (key) { state[key] = event.target.value; render(); }
});
document.addEventListener("keydown", (event) => {
  const name = [event.ctrlKey && "ctrl", event.altKey && "alt", event.shiftKey && "shift",
    event.key.toLowerCase()].filter(Boolean).join("+");
  const field = event.target.closest("[data-enter]");
  if (name === "enter" && field) {
    event.preventDefault();
    keyboard(null);
    run(list_of(field, "enter"));
    return;
  }
  if (name === "escape") { goBack(); return; }
  const isTyping = event.target.matches("input, textarea") && !event.ctrlKey;
  const hot = JSON.parse(document.body.dataset.hot || "{}")[name];
  if (hot && !isTyping) { event.preventDefault(); run(hot); }
});

render();
