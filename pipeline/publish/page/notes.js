// Names and notes that are typed on the page. Where `atlas view` serves it they are written into the
// atlas; anywhere else this browser keeps them, and they can be taken away as a table.
//
// What is called `words` is a unit's name and note, [called, note], both empty where there is none.

const LONGEST = { called: 200, note: 5000 }; // characters
const SERVED_AS = document.querySelector('meta[name="atlas-token"]')?.content ?? "";
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]/gu;

const noting = {
  own: new Map(), // what the atlas says, of rows that say otherwise here
  drafts: new Map(), // by unit id the words that are typed and not saved
  memory: null, // what is kept where the browser keeps nothing
};

function wordsOf(row) {
  return [value("called", row) ?? "", value("note", row) ?? ""];
}

function areSame(words, others) {
  return words[0] === others[0] && words[1] === others[1];
}

/** Words as they are kept: one line each, blanks once. */
function plainWords(words) {
  return words.map((text) => text.replace(UNSEEN, " ").split(/\s+/).filter(Boolean).join(" "));
}

/** Have a row say other words, in searches and on tiles too. */
function haveSaid(row, words) {
  if (row === undefined || areSame(wordsOf(row), words)) return;
  if (!noting.own.has(row)) noting.own.set(row, wordsOf(row));
  ["called", "note"].forEach((name, place) => {
    if (!model.columns.has(name)) model.columns.set(name, columnOf(name, { all: null }, model.rows));
    const column = model.columns.get(name);
    column.values[row] = words[place] || null;
  });
  if (isMade("texts")) model.texts[row] = searched(row);
  if (!noting.isChanged) queueMicrotask(haveShown);
  noting.isChanged = true;
}

/** Have what was said be shown, all of it at once. */
function haveShown() {
  noting.isChanged = false;
  for (const column of ["called", "note"].map((name) => model.columns.get(name))) column.isEmpty = column.values.every((one) => one === null);
  dispatchEvent(new Event("noted"));
  noting.redraw?.();
}

// What this browser keeps --------------------------------------------------------------------------

function keptUnder() {
  return `atlas-notes-${model.madeOf}`;
}

/** By unit id what is noted here: {words, was}, of which `was` is what the atlas said then. */
function keptHere() {
  if (noting.memory) return noting.memory;
  try {
    const found = JSON.parse(localStorage.getItem(keptUnder()) ?? "{}");
    const isWhole = (one) => [one?.words, one?.was].every((words) => Array.isArray(words) && words.length === 2 && words.every((text) => typeof text === "string"));
    return new Map(Object.entries(found).filter(([, one]) => isWhole(one)));
  } catch {
    noting.memory = new Map();
    return noting.memory;
  }
}

/** Keep what is noted here; whether the browser does so. */
function keepHere(kept) {
  try {
    localStorage.setItem(keptUnder(), JSON.stringify(Object.fromEntries(kept)));
    noting.memory = null;
    return true;
  } catch {
    noting.memory = kept;
    return false;
  }
}

/** Have the page say what is noted here; what the atlas says by now is kept no longer. */
function takeKept() {
  const kept = keptHere();
  const before = kept.size;
  for (const [id, { words }] of kept) {
    const row = model.rowOf.get(id);
    if (row !== undefined && areSame(noting.own.get(row) ?? wordsOf(row), words)) kept.delete(id);
    else haveSaid(row, words);
  }
  for (const [row, words] of noting.own) if (!kept.has(model.ids[row])) haveSaid(row, words);
  if (kept.size !== before) keepHere(kept);
}

/** Keep words here, unless others are kept than was thought. */
function saveHere(row, words, before) {
  const kept = keptHere();
  const own = noting.own.get(row) ?? wordsOf(row);
  const now = kept.get(model.ids[row])?.words ?? own;
  if (!areSame(now, before)) return { said: now, isConflict: true };
  if (areSame(words, own)) kept.delete(model.ids[row]);
  else kept.set(model.ids[row], { words, was: own });
  const isKept = keepHere(kept);
  return { said: words, text: isKept ? "Kept in this browser, and not yet in the atlas." : "This browser keeps nothing of this page: download your notes before you close it." };
}

// What the server of `atlas view` writes -----------------------------------------------------------

/** Have the page say what is noted in the atlas by now. */
async function takeServed() {
  try {
    const answer = await fetch("notes", { headers: { "X-Atlas-Token": SERVED_AS }, cache: "no-store", mode: "same-origin" });
    if (!answer.ok) return;
    const said = new Map(Object.entries(await answer.json()));
    model.ids.forEach((id, row) => haveSaid(row, said.get(id) ?? ["", ""]));
  } catch { /* it ended: what is written is said to be so when somebody writes */ }
}

async function saveServed(row, words, before) {
  const sent = { unit: model.ids[row], called: words[0], note: words[1], before };
  const headers = { "Content-Type": "application/json", "X-Atlas-Token": SERVED_AS };
  let answer;
  let told;
  try {
    answer = await fetch("note", { method: "POST", headers, body: JSON.stringify(sent), cache: "no-store", mode: "same-origin" });
    told = await answer.json();
  } catch {
    return { problem: "`atlas view` does not answer any more: what you typed stays here until this tab is closed." };
  }
  if (answer.status === 409) return { said: told.said, isConflict: true };
  return answer.ok ? { said: told.said, text: "Saved in the atlas." } : { problem: `${told.problem}. What you typed stays here.` };
}

/** Begin with what was noted elsewhere; look again whenever the page is looked at again. */
function beginNoting() {
  try {
    for (const [id, words] of JSON.parse(sessionStorage.getItem(`${keptUnder()}-typed`) ?? "[]")) noting.drafts.set(id, words);
  } catch { /* a browser that keeps nothing */ }
  const take = SERVED_AS ? takeServed : takeKept;
  take();
  addEventListener("storage", (event) => { if (!SERVED_AS && event.key === keptUnder()) take(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) take(); });
}

/** Note what is typed and not saved, so that a reload loses nothing. */
function keepDraft(id, words) {
  if (words) noting.drafts.set(id, words);
  else noting.drafts.delete(id);
  try {
    sessionStorage.setItem(`${keptUnder()}-typed`, JSON.stringify([...noting.drafts]));
  } catch { /* it stays while the page is open */ }
}

// On a unit's page ---------------------------------------------------------------------------------

/** What is called and noted, and the way to change it. */
function wordsOn(row) {
  const section = element("section", { className: "noting", "aria-label": "Name and note" });
  const status = element("p", { className: "small", role: "status", id: "noting-said" });
  const place = element("div", {});
  section.append(place, status);
  const draft = noting.drafts.get(model.ids[row]);
  if (draft) status.textContent = "What you typed is not saved yet.";
  const read = () => place.replaceChildren(...noted(row, edit));
  const edit = () => place.replaceChildren(editor(row, status, read));
  noting.redraw = () => {
    if (place.querySelector("form")) return;
    const hadFocus = document.activeElement?.id === "to-note";
    read();
    if (hadFocus) byId("to-note").focus();
  };
  read();
  return section;
}

function noted(row, edit) {
  const [called, note] = wordsOf(row);
  const said = (what, text) => element("p", { className: "noted" }, element("span", { className: "muted" }, what), element("bdi", {}, text));
  const isDraft = noting.drafts.has(model.ids[row]);
  const words = isDraft ? "Go on with what you typed" : called || note ? "Change name or note" : "Name it, or note something";
  const button = element("button", { type: "button", id: "to-note", onclick: edit }, words, " ", element("kbd", { "aria-hidden": "true" }, "n"));
  return [called ? said("Called: ", called) : null, note ? said("Note: ", note) : null, element("p", { className: "acts-on" }, button, takeAway())].filter(Boolean);
}

/** What is kept here, to be taken away. */
function takeAway() {
  const kept = SERVED_AS ? new Map() : keptHere();
  if (!kept.size) return null;
  return element("button", { type: "button", id: "take-notes", onclick: () => saveNotes(keptHere()) }, `Download ${counted(kept.size, "note")} of yours (CSV)`);
}

function editor(row, status, read) {
  const id = model.ids[row];
  const before = wordsOf(row);
  const [called, note] = noting.drafts.get(id) ?? before;
  const name = element("input", { id: "noting-called", dir: "auto", autocomplete: "off", "aria-describedby": "noting-said" });
  const text = element("textarea", { id: "noting-note", rows: 4, dir: "auto", "aria-describedby": "noting-said" });
  const save = element("button", { type: "submit", id: "save-note" }, "Save");
  const typed = () => plainWords([name.value, text.value]);
  [name.value, text.value] = [called, note];
  const close = (focus = true) => { read(); if (focus) byId("to-note").focus(); };
  const discard = () => { keepDraft(id, null); status.textContent = ""; close(); };
  const form = element(
    "form",
    {},
    element("label", {}, element("span", {}, "Called"), name),
    element("label", {}, element("span", {}, "Note"), text),
    element("p", { className: "acts-on" }, save, element("button", { type: "button", onclick: discard }, "Discard"), element("span", { className: "muted small" }, whereKept())),
  );
  form.addEventListener("input", () => {
    keepDraft(id, areSame(typed(), before) ? null : [name.value, text.value]);
    status.textContent = tooLong(typed());
    save.disabled = status.textContent !== "";
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.preventDefault(); status.textContent = noting.drafts.has(id) ? "What you typed is not saved yet." : ""; close(); }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); if (!save.disabled) send(row, typed(), before, { status, save, form, close }); });
  queueMicrotask(() => name.focus());
  return form;
}

function whereKept() {
  if (SERVED_AS) return "What you save goes into the atlas; line breaks become blanks.";
  return "This page is not served by `atlas view`: this browser keeps your words, until its data is cleared. `atlas note ATLAS --from FILE.csv` takes them into the atlas.";
}

/** What is too long, in words. */
function tooLong(words) {
  const said = [["The name", LONGEST.called], ["The note", LONGEST.note]].map(([what, most], place) => {
    const count = [...words[place]].length;
    return count > most ? `${what} has ${counted(count, "character")}: ${count - most} too many.` : "";
  });
  return said.filter(Boolean).join(" ");
}

async function send(row, words, before, { status, save, form, close }) {
  save.disabled = true;
  status.textContent = "Saving…";
  const { said, text, problem, isConflict } = await (SERVED_AS ? saveServed : saveHere)(row, words, before);
  save.disabled = false;
  if (problem) { status.textContent = problem; return; }
  if (isConflict) { differ(row, words, said, { status, save, form, close }); return; }
  keepDraft(model.ids[row], null);
  haveSaid(row, said);
  status.textContent = text;
  if (status.isConnected) close(form.contains(document.activeElement));
}

/** Somebody else wrote meanwhile: say what, and have the user choose. */
function differ(row, words, said, parts) {
  const { status, form, close } = parts;
  form.querySelector(".differs")?.remove();
  const mine = element("button", { type: "button", onclick: () => { box.remove(); send(row, words, said, parts); } }, "Replace it by mine");
  const theirs = element("button", { type: "button", onclick: () => { keepDraft(model.ids[row], null); haveSaid(row, said); status.textContent = "Left as it is."; close(); } }, "Leave it");
  const line = (what, text) => element("p", {}, element("span", { className: "muted" }, what), element("bdi", {}, text || "nothing"));
  const box = element("div", { className: "differs" }, line("Called: ", said[0]), line("Note: ", said[1]), element("p", { className: "acts-on" }, mine, theirs));
  form.append(box);
  status.textContent = "It was changed meanwhile, elsewhere: nothing is saved yet. What is there now stands below.";
  mine.focus();
}

// To take away -------------------------------------------------------------------------------------

/** A table that `atlas note --from` takes, and no spreadsheet runs. */
function notesTable(kept) {
  const cell = (text, isId) => `"${((isId ? /^'*[=+@]/ : /^'*[=+@-]/).test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const rows = [...kept].filter(([, { words }]) => words.some(Boolean)).map(([id, { words }]) => [cell(id, true), ...words.map((text) => cell(text, false))].join(","));
  return `\ufeff${["unit,called,note", ...rows].join("\r\n")}\r\n`;
}

function saveNotes(kept) {
  const address = URL.createObjectURL(new Blob([notesTable(kept)], { type: "text/csv" }));
  element("a", { href: address, download: "notes.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
