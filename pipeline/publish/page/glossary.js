// What words mean: told by the data, in one place, and shown where a word stands.

/** What a column or another word means, for a row or for the first one; null where nobody said. */
function meaningOf(name, row = 0) {
  const kind = value("kind", row);
  const said = kind === null ? null : model.meanings[kind]?.[value("direction", row)]?.[name];
  return said ?? model.terms[name] ?? null;
}

/** A word that tells what it means when it is pressed; plain text where nobody said. */
function term(text, name = text, row = 0) {
  const meaning = meaningOf(name, row);
  if (!meaning) return document.createTextNode(text);
  const button = element("button", { type: "button", className: "term", "aria-expanded": "false" }, text);
  button.addEventListener("click", () => (meant.of === button ? meant.hide() : meant.show(button, meaning)));
  return button;
}

/** The box that tells the meaning of one word at a time; it stands after the word. */
const meant = {
  of: null,

  show(button, meaning) {
    this.hide();
    this.box ??= element("span", { className: "meaning", popover: "manual", role: "status" });
    this.of = button;
    button.setAttribute("aria-expanded", "true");
    button.after(this.box);
    this.box.showPopover();
    this.box.textContent = `${button.textContent}: ${meaning}.`; // after it is there, so that it is read out
    const [word, box] = [button.getBoundingClientRect(), this.box.getBoundingClientRect()];
    const left = Math.max(8, Math.min(word.left, document.documentElement.clientWidth - box.width - 8));
    const isLow = word.bottom + box.height + 14 > innerHeight && word.top > box.height + 14;
    Object.assign(this.box.style, { left: `${left + scrollX}px`, top: `${(isLow ? word.top - box.height - 6 : word.bottom + 6) + scrollY}px` });
  },

  hide() {
    this.of?.setAttribute("aria-expanded", "false");
    this.of = null;
    this.box?.remove();
  },
};

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !meant.of) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  meant.of.focus();
  meant.hide();
}, true);
for (const away of ["pointerdown", "focusin"]) {
  addEventListener(away, (event) => { if (meant.of && !meant.of.contains(event.target) && !meant.box.contains(event.target)) meant.hide(); });
}
addEventListener("hashchange", () => meant.hide());

// The first minute ---------------------------------------------------------------------------------

const MANY = { channel: "channels", neuron: "neurons", deepdream: "layers or sums of them (DeepDream)", logits: "classes", softmax: "class probabilities" };

/** One sentence on what the pictures of this atlas are and how they came about, from its own figures. */
function introduction() {
  const done = model.ids.map((_, row) => row).filter((row) => value("status", row) === "done");
  if (!done.length) return "";
  const lowering = done.filter((row) => value("direction", row) === "negative").length;
  const recipes = new Set(done.map((row) => value("recipe", row)));
  const recipe = recipes.size === 1 && [...recipes][0] ? `recipe ${[...recipes][0]}, ` : "";
  const one = done.length === 1;
  const away = lowering ? ` (or, of ${lowering.toLocaleString("en")}, to lower it)` : "";
  return `${one ? "This picture" : "These pictures"} of ${kindsOf(done)} ${one ? "is no photograph" : "are no photographs"}: a program began ${one ? "it" : "each"} as noise and changed it in ${stepsOf(done)} small steps (${recipe}${model.size} px) to excite one unit of the network ${model.network} as strongly as it could${away}.`;
}

function stepsOf(rows) {
  const steps = rows.map((row) => value("steps", row)).filter((one) => one !== null);
  const [least, most] = [steps.reduce((a, b) => Math.min(a, b), Infinity), steps.reduce((a, b) => Math.max(a, b), 0)];
  if (!steps.length) return "many";
  return least === most ? least.toLocaleString("en") : `${least.toLocaleString("en")} to ${most.toLocaleString("en")}`;
}

/** As in "90 channels of mixed2 and mixed4, 6 classes". */
function kindsOf(rows) {
  const kinds = new Map();
  for (const row of rows) {
    const kind = value("kind", row);
    const name = MANY[kind] ?? "directions";
    const one = kinds.get(name) ?? kinds.set(name, { count: 0, layers: new Set() }).get(name);
    one.count += 1;
    if (value("class_index", row) === null && kind !== "deepdream") one.layers.add(value("layer", row));
  }
  return [...kinds].map(([name, { count, layers }]) => `${count.toLocaleString("en")} ${count === 1 ? singular(name) : name}${layers.size ? ` of ${namesOf(layers)}` : ""}`).join(", ");
}

function singular(name) {
  return { classes: "class", "class probabilities": "class probability", [MANY.deepdream]: "layer or sum of them (DeepDream)" }[name] ?? name.replace(/s$/, "");
}

function namesOf(layers) {
  const names = [...layers];
  if (names.length > 4) return `${names.length} layers`;
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** The sentence above the gallery, until it is put away. */
function introduce() {
  const text = introduction();
  byId("intro").hidden = !text || remembered("intro") === "away";
  const away = element("button", { type: "button", id: "intro-away", className: "icon", "aria-label": "Put this away; it stays in Help" }, "×");
  away.addEventListener("click", () => {
    remember("intro", "away");
    byId("intro").hidden = true;
    byId("count").focus();
  });
  byId("intro").replaceChildren(element("p", {}, text), away);
}

/** What stands under a tile, as the gallery is sorted now. */
function legend(row) {
  const name = state.sort.replace(/^-/, "") || "activation";
  const meaning = meaningOf(name, row ?? 0);
  const figure = [element("b", {}, labelOf(name)), meaning ? `: ${meaning}` : "", ". "];
  const scale = name.startsWith("activation") && model.sections.length > 1 ? ["Compare it within a ", term("section"), " only. "] : [];
  const doubt = hasDoubts() ? [element("b", {}, "?"), ` marks one that ${DOUBTED}.`] : [];
  return ["Under each picture its unit and ", ...figure, ...scale, ...doubt];
}

const DOUBTED = "did not tell which of the builder's photographs excite its unit";

function hasDoubts() {
  return model.columns.get("tells")?.values.some((one) => one === false) ?? false;
}
