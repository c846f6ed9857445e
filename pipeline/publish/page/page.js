// The page: what is asked for stands in the address, and everything else follows from it.
//
//   #mixed4:42      #mixed4:42?view=circuit      #?q=activation+>+5&sort=-activation      #compare=mixed4:42,mixed4:3
//   #map?layout=activation&at=12,8,40      #map?layout=axes&x=activation&y=selectivity&colour=layer&on=mixed4:42

const DEFAULTS = { q: "", sort: "", section: "", show: "done", layout: "channel", x: "activation", y: "selectivity", colour: "", at: "", on: "", size: "", view: "" };
const state = { where: "", ids: "", ...DEFAULTS };
let gallery;
let map;
let found = [];
let known = []; // what would be found without a search
let scrolled = 0;
let last = null;
let current = null;
let listed = ""; // gallery or map: where a unit's page leads back to

globalThis.atlasData = (data) => {
  takeData(data);
  begin();
};

addEventListener("DOMContentLoaded", () => {
  if (!model.ready) byId("main").replaceChildren(element("p", { className: "empty" }, "The data of this page is not there. Copy the whole folder site/, not index.html alone."));
});

function begin() {
  gallery = new Gallery(byId("gallery"));
  map = new UnitMap(byId("canvas"), { open: (row) => { map.tell(); location.hash = addressOf(row); }, moved: keepView });
  fillTools();
  if (!model.together) beginNoting();
  if (!model.together) introduce();
  showSides();
  fillTake(byId("take"));
  tray.begin();
  listen();
  news();
  read();
  show();
}

// The address ------------------------------------------------------------------------------------

function read() {
  const hash = location.hash.slice(1);
  const mark = hash.indexOf("?");
  const raw = mark < 0 ? hash : hash.slice(0, mark);
  const isCompare = raw.startsWith("compare=");
  const where = isCompare ? "compare" : decoded(raw);
  if (isCompare) state.ids = raw.slice("compare=".length);
  const given = new URLSearchParams(mark < 0 ? "" : hash.slice(mark + 1));
  const isUnit = where !== "" && where !== "map";
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    if (!isUnit || given.has(name) || current === null || name === "view") state[name] = given.get(name) ?? usual;
  }
  state.where = where;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Have an address that means a unit in other words be its own, and one that means several a search. */
function settle() {
  if (!/[:/]/.test(state.where) || model.rowOf.has(state.where)) return;
  const row = unitNamed(state.where);
  if (row !== undefined) state.where = model.ids[row];
  else if (patternOf(state.where) && model.ids.some((_, other) => parseQuery(state.where).test(other))) Object.assign(state, { where: "", q: state.where });
  else return;
  history.replaceState(null, "", written(state));
}

/** The address of a state. */
function written(wanted) {
  const given = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    if (wanted[name] !== usual && (name !== "view" || model.rowOf.has(wanted.where))) given.set(name, wanted[name]);
  }
  const text = String(given).replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%3E", ">").replaceAll("%3D", "=");
  const where = wanted.where === "compare" ? `compare=${wanted.ids}` : encodedId(wanted.where);
  return `#${where}${text ? `?${text}` : ""}`;
}

/** Go to a state; without `again` as a new step of the history. */
function go(changes, again = false) {
  Object.assign(state, changes);
  const address = written(state);
  if (address !== (location.hash || "#")) history[again ? "replaceState" : "pushState"](null, "", address);
  show();
}

function keepView({ view, row }) {
  state.on = row === undefined ? "" : model.ids[row];
  state.at = view ? [view.x, view.y, view.scale].map((number) => Number(number.toFixed(3))).join(",") : "";
  if (state.where === "map") history.replaceState(null, "", written(state));
}

// Showing ----------------------------------------------------------------------------------------

function show() {
  settle();
  const row = model.rowOf.get(state.where);
  if (row === undefined && /[:/]/.test(state.where)) return showUnknown();
  find();
  const isMap = state.where === "map";
  const isCompare = state.where === "compare";
  const isUnit = row !== undefined || isCompare;
  if (!isUnit) listed = state.where;
  if (isUnit && !current?.isUnit) scrolled = scrollY;
  byId("list").hidden = isUnit;
  byId("unit").hidden = !isUnit;
  byId("gallery").hidden = isMap;
  byId("map").hidden = !isMap;
  document.body.classList.toggle("on-map", isMap);
  for (const part of document.querySelectorAll(".for-map")) part.hidden = !isMap;
  for (const part of document.querySelectorAll(".for-axes, .colours")) part.hidden = true;
  for (const part of document.querySelectorAll(".for-gallery")) part.hidden = isMap;
  mark("to-gallery", !isUnit && !isMap);
  mark("to-map", isMap);
  byId("to-gallery").href = written({ ...state, where: "", at: "", on: "" });
  byId("to-map").href = written({ ...state, where: "map" });
  byId("unit").classList.toggle("comparing", isCompare);
  readyPaper(null);
  if (isCompare) showSeveral();
  else if (isUnit) showOne(row);
  else if (isMap) showMap();
  else showGallery();
  current = { isUnit, key: listKey() };
  return undefined;
}

function mark(id, is) {
  if (is) byId(id).setAttribute("aria-current", "page");
  else byId(id).removeAttribute("aria-current");
}

function listKey() {
  return JSON.stringify([state.q, state.sort, state.section, state.show]);
}

/** Find what is asked for, in its order. */
function find() {
  const key = listKey();
  if (find.key === key) return;
  find.key = key;
  const { test, problems } = parseQuery(state.q);
  const section = model.sections.findIndex((one) => one.name === state.section);
  const status = model.columns.get("status").values;
  const inSection = model.ids.map((_, row) => row).filter((row) => section < 0 || model.sectionOf[row] === section);
  known = sorted(inSection.filter((row) => state.show === "all" || status[row] === state.show));
  found = known.filter(test);
  byId("problem").textContent = problems.join(". ");
  byId("count").textContent = counted(found.length, "unit");
  headPaper();
  byId("collect-found").disabled = byId("csv-found").disabled = !found.length;
  byId("empty").hidden = found.length > 0;
  byId("empty").textContent = found.length ? "" : emptyText(inSection.filter(test).length);
  fillIn();
  gallery.show(found, noteOf(), !state.sort);
  byId("legend").replaceChildren(...(found.length ? legend(found[0]) : []));
}

function emptyText(others) {
  const more = others ? `. Of another state: ${counted(others, "unit")}; show “all” to see them.` : "";
  if (state.q && !hasColumn("class_name") && model.counts.unavailable) return `No unit is as asked for: ${state.q}${more || "."} Classes have no names here: these weights have no classifier.`;
  if (state.q) return `No unit is as asked for: ${state.q}${more}`;
  return state.show === "done" ? "Nothing is built yet: the first units come with the first batch." : "There are no such units.";
}

/** Rows in the order that is asked for. */
function sorted(rows) {
  const name = state.sort.replace(/^-/, "");
  const column = model.columns.get(name);
  if (!column) return rows;
  const sign = state.sort.startsWith("-") ? -1 : 1;
  const { values } = column;
  return rows.sort((a, b) => {
    if (values[a] === null || values[b] === null) return (values[a] === null) - (values[b] === null);
    return values[a] === values[b] ? a - b : sign * (values[a] < values[b] ? -1 : 1);
  });
}

/** What stands under a tile: the column that is sorted by, else the activation. */
function noteOf() {
  const name = state.sort.replace(/^-/, "") || "activation";
  return (row) => (value(name, row) === null ? "" : shown(value(name, row), 3));
}

function showGallery() {
  document.title = `Atlas of ${model.network}`;
  const size = Number(state.size) || startSize();
  byId("size").value = size;
  gallery.resize(size);
  const isBack = current?.isUnit && current.key === listKey();
  if (isBack) scrollTo(0, scrolled);
  else if (current && current.key !== listKey()) scrollTo(0, 0);
  gallery.draw();
  if (isBack && last !== null && !isTyping()) gallery.goTo(last);
}

/** Whether what is typed goes into a box, which must keep it. */
function isTyping() {
  return document.activeElement.matches("input, select, textarea");
}

/** Smaller tiles on a phone. */
function startSize() {
  return innerWidth < 600 ? 96 : 128;
}

function showMap() {
  document.title = `Map of ${model.network}`;
  if (!layouts()[state.layout]) state.layout = "channel";
  const drawn = [];
  for (let row = 0; row < model.rows; row += 1) if (value("status", row) === "done" || state.show !== "done") drawn.push(row);
  map.show(state, drawn, new Set(found));
  fillColours(byId("colours"), map.palette);
  fillMapTools();
  map.fit();
  const [x, y, scale] = state.at.split(",").map(Number);
  map.look(scale > 0 ? { x, y, scale: Math.min(scale, map.most()) } : null);
  const on = model.rowOf.get(state.on);
  if (on !== undefined) map.find(on, scale > 0);
  else if (current?.isUnit && last !== null) map.goToRow(last);
  if (current?.isUnit && !isTyping()) byId("canvas").focus();
}

/** Have the map's tools say what it shows. */
function fillMapTools() {
  byId("layout").value = state.layout;
  byId("colour").value = map.palette?.name ?? "";
  byId("map").classList.toggle("on-axes", Boolean(map.axes));
  for (const part of document.querySelectorAll(".for-axes")) part.hidden = !map.axes;
  byId("lacking").textContent = map.axes?.lacking ? `${counted(map.axes.lacking, "unit")} without both` : "";
  if (!map.axes) return;
  byId("axis-x").value = map.axes.x.name;
  byId("axis-y").value = map.axes.y.name;
}

function showOne(row) {
  const all = model.ids.map((_, other) => other);
  const rows = [found, known, all].find((some) => some.length > 1 && some.includes(row)) ?? all;
  const place = rows.indexOf(row);
  last = row;
  const isCircuit = state.view === "circuit";
  document.title = `${isCircuit ? "Circuit of " : ""}${model.ids[row]} · atlas of ${model.network}`;
  (model.together ? showTogether : isCircuit ? showCircuit : showUnit)(byId("unit"), row, { before: rows[place - 1], after: rows[place + 1], back: written({ ...state, where: listed }) });
  if (!isCircuit && !model.together) detailsOf(row).then((told) => { if (last === row && state.where === model.ids[row]) readyPaper(row, told); }, () => {});
  scrollTo(0, 0);
  if (!isTyping()) byId("unit-heading").focus({ preventScroll: true });
}

function showSeveral() {
  document.title = `Units side by side · atlas of ${model.network}`;
  last = comparedOf(state.ids).rows[0] ?? last;
  showCompared(byId("unit"), state.ids, written({ ...state, where: listed }));
  scrollTo(0, 0);
  if (!isTyping()) byId("unit-heading").focus({ preventScroll: true });
}

function showUnknown() {
  byId("list").hidden = true;
  const article = byId("unit");
  article.hidden = false;
  article.replaceChildren(element("div", { className: "crumbs" }, element("a", { href: "#" }, "← All units")), element("h1", {}, "There is no such unit"), element("p", {}, `This atlas has no unit ${state.where}.`, ...parseQuery(state.where).problems.map((text) => ` ${text}.`)));
  current = { isUnit: true, key: "" };
}

// Tools ------------------------------------------------------------------------------------------

function fillTools() {
  byId("query").placeholder = placeholder();
  options("section", [["", "all sections"], ...model.sections.map((one) => [one.name, `${one.heading} (${one.count.toLocaleString("en")})`])]);
  const statuses = ["done", "missing", "failed", "unavailable"].filter((name) => name === "done" || model.counts[name]);
  options("show", [...statuses.map((name) => [name, `${name} (${(model.counts[name] ?? 0).toLocaleString("en")})`]), ["all", `all (${model.rows.toLocaleString("en")})`]]);
  const numbers = numberColumns().map((name) => [name, labelOf(name)]);
  for (const id of ["axis-x", "axis-y"]) options(id, numbers);
  options("colour", [["", "none"], ["layer", "layer"], ...numbers]);
  options("sort", [["", "atlas order"], ...numbers, ...["class_name", "name", "called"].filter(hasColumn).map((name) => [name, labelOf(name)])]);
  options("layout", Object.keys(layouts()).map((name) => [name, { channel: "channel order", similarity: "similarity", activation: "activation", axes: "two numbers", activations: "activation atlas" }[name]]));
}

function options(id, pairs) {
  byId(id).replaceChildren(...pairs.map(([name, text]) => element("option", { value: name }, text)));
}

/** Have the tools say what the state says. */
function fillIn() {
  const query = byId("query");
  if (query.value !== state.q) query.value = state.q;
  byId("section").value = state.section;
  byId("show").value = state.show;
  byId("sort").value = state.sort.replace(/^-/, "");
  byId("descending").disabled = !state.sort;
  byId("descending").setAttribute("aria-pressed", String(state.sort.startsWith("-")));
  byId("descending").textContent = state.sort.startsWith("-") ? "↓" : "↑";
}

// Listening --------------------------------------------------------------------------------------

function listen() {
  addEventListener("noted", () => { find.key = null; fillTools(); if (byId("unit").hidden) show(); });
  addEventListener("hashchange", () => { read(); show(); });
  byId("search").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  byId("query").addEventListener("input", () => go({ q: byId("query").value, where: state.where === "map" ? "map" : "" }, !current?.isUnit));
  for (const name of ["section", "show"]) byId(name).addEventListener("change", () => go({ [name]: byId(name).value }));
  byId("layout").addEventListener("change", () => go({ layout: byId("layout").value, at: "" }));
  byId("colour").addEventListener("change", () => go({ colour: byId("colour").value }));
  for (const axis of ["x", "y"]) byId(`axis-${axis}`).addEventListener("change", () => go({ [axis]: byId(`axis-${axis}`).value, at: "" }));
  byId("sort").addEventListener("change", () => { const name = byId("sort").value; go({ sort: name ? (isBestSmall(name) ? name : `-${name}`) : "" }); });
  byId("descending").addEventListener("click", () => go({ sort: state.sort.startsWith("-") ? state.sort.slice(1) : `-${state.sort}` }));
  byId("size").addEventListener("input", () => { state.size = byId("size").value; gallery.resize(Number(state.size)); });
  byId("size").addEventListener("change", () => go({}, true));
  byId("theme").addEventListener("click", turn);
  byId("ask").addEventListener("click", help);
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("main").focus(); });
  byId("home").addEventListener("click", (event) => { event.preventDefault(); go({ where: "", ...DEFAULTS }); });
  byId("zoom-in").addEventListener("click", () => map.zoom(1.5));
  byId("zoom-out").addEventListener("click", () => map.zoom(1 / 1.5));
  byId("zoom-all").addEventListener("click", () => map.all());
  byId("collect-found").addEventListener("click", () => tray.add(found));
  byId("csv-found").addEventListener("click", () => saveCsv(found, (text) => { byId("told").textContent = text; }));
  byId("reload").addEventListener("click", () => location.reload());
  addEventListener("keydown", key);
}

function help() {
  fillHelp(byId("help"), (text) => go({ where: "", q: text }));
  byId("help").showModal();
}

function turn() {
  turnTheme();
  map.ask();
}

function isBestSmall(name) {
  return ["own_rank", "channel", "class_index", "class_name", "name", "called"].includes(name);
}

/** Enter in the search box opens the one unit that is meant. */
function submit() {
  const text = byId("query").value.trim();
  const row = unitNamed(text) ?? (found.length === 1 ? found[0] : undefined);
  if (row !== undefined) {
    byId("query").blur();
    location.hash = addressOf(row);
  } else if (found.length) {
    byId("query").blur();
    if (current?.isUnit) go({ where: listed });
    if (state.where === "map") map.goToRow(found[0]);
    else gallery.move(0, true);
    if (state.where === "map") byId("canvas").focus();
  }
}

function key(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented || document.querySelector("dialog[open]") || document.querySelector(":popover-open")) return;
  const typing = event.target.closest('input:not([type="checkbox"]), select, textarea');
  if (event.key === "Escape") return escape(typing);
  if (typing) return undefined;
  const isUnit = !byId("unit").hidden;
  const inCircuit = isUnit && document.querySelector(".circuit") && /^Arrow/.test(event.key) ? { [event.key]: () => moveInCircuit(event.key) } : {};
  const keys = {
    "/": () => { byId("query").focus(); byId("query").select(); },
    "?": help,
    g: () => go({ where: "" }),
    m: () => { go({ where: "map" }); byId("canvas").focus(); },
    t: turn,
    r: () => { if (found.length) location.hash = addressOf(found[Math.floor(Math.random() * found.length)]); },
    s: () => { if (!isUnit) byId("sort").focus(); },
    x: () => collectInHand(false),
    X: () => collectInHand(true),
    v: () => { if (tray.rows.length) location.hash = compareAddress(tray.rows); },
    f: () => byId("film")?.click(),
    z: nextLook,
    n: () => byId("to-note")?.click(),
    c: () => document.querySelector(".command .copy")?.click(),
    b: () => (document.querySelector(".circuit") ? byId("back") : byId("to-circuit"))?.click(),
    ...(isUnit ? { ArrowLeft: () => byId("unit-prev")?.click(), ArrowRight: () => byId("unit-next")?.click(), k: () => byId("unit-prev")?.click(), j: () => byId("unit-next")?.click() } : {}),
    ...inCircuit,
    ...(!isUnit && state.where !== "map" && event.target === document.body ? { ArrowDown: () => gallery.move(gallery.active, true), ArrowRight: () => gallery.move(gallery.active, true) } : {}),
  };
  if (state.where === "map" && !keys[event.key] && event.key !== "Enter") {
    map.key(event);
    if (event.defaultPrevented) byId("canvas").focus();
    return undefined;
  }
  if (!keys[event.key] || (event.target.closest("pre, .scrolls") && event.key.startsWith("Arrow"))) return undefined;
  event.preventDefault();
  return keys[event.key]();
}

function escape(typing) {
  if (typing?.id === "query" && state.q) return go({ q: "" }, true);
  if (typing) return typing.blur();
  if (!byId("unit").hidden) return byId("back")?.click();
  return undefined;
}
