// The builder's photographs beside a unit's picture: strong, middle and weak ones; and each of them
// whole in a dialog, with where the unit fires laid over it.

const BANDS = ["Strong", "Middle", "Weak"];
const GLOOM = 240; // pixels of what is laid over a photograph, a side
let gloom = 75; // hundredths of dark where a unit is silent; kept from unit to unit

function photographs(row, told) {
  const viewer = new Viewer(row, told);
  const shownIn = (band) => told.items.map((item, place) => ({ item, place })).filter(({ item }) => item.band === band);
  const parts = BANDS.map((name, band) => [name, shownIn(band)]).filter(([, some]) => some.length);
  const isAlone = parts.length < 2;
  const sections = parts.map(([name, some], band) => element(
    "div",
    {},
    isAlone ? null : element("h3", {}, name, element("span", { className: "muted" }, ` ${saidOf(band, some, told.count)}`)),
    element("div", { className: band || parts.length < 2 ? "examples few" : "examples" }, ...figuresOf(some, told, viewer)),
  ));
  return element("section", { id: "photographs" }, element("h2", {}, "Photographs"), element("p", { className: "muted small" }, told.text), ...sections);
}

/** Which photographs of all these are. */
function saidOf(band, some, count) {
  const all = `${count.toLocaleString("en")} pictures`;
  if (band === 0) return `the ${some.length} of ${all} that come first`;
  if (band === 2) return `the ${some.length} that come last`;
  return "at 60, 50 and 40 % of them";
}

/** A figure a photograph; those that are nearly alike behind the first of them, until asked for. */
function figuresOf(some, told, viewer) {
  const figures = new Map(some.map(({ item, place }) => [place, photograph(item, place, told, viewer)]));
  for (const { place } of some) {
    const alike = some.filter((one) => one.item.alike === place && one.place !== place);
    if (!alike.length) continue;
    const folded = alike.map((one) => figures.get(one.place));
    for (const one of folded) one.hidden = true;
    const button = element("button", { type: "button", className: "alike", "aria-expanded": "false" }, `+${folded.length} alike`);
    button.addEventListener("click", () => {
      const isOpen = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!isOpen));
      for (const one of folded) one.hidden = isOpen;
    });
    figures.get(place).append(button);
  }
  return [...figures.values()];
}

function photograph(item, place, told, viewer) {
  const image = element("img", { src: told.file, alt: "", loading: "lazy", decoding: "async" });
  image.style.objectPosition = stripAt(place, told);
  const label = item.labels.length ? element("span", { className: "said" }, item.labels.join(", ")) : null;
  const open = element("button", { type: "button", className: "crop", "aria-label": `Open ${item.name}`, onclick: () => viewer.open(place) }, image);
  return element("figure", {}, open, element("figcaption", {}, label, nameOf(item.name), element("span", { className: "muted" }, shown(item.activation))));
}

function stripAt(place, { items }) {
  return `${items.length > 1 ? (100 * place) / (items.length - 1) : 0}% 0`;
}

/** A picture's name; where it is too long its middle is left out, as pictures of a folder end differently. */
function nameOf(picture) {
  const letters = [...picture];
  return element("span", { className: "name", title: picture }, element("span", { className: "start" }, letters.slice(0, -9).join("")), element("span", {}, letters.slice(-9).join("")));
}

/** The dialog of a unit's photographs, one by one. */
class Viewer {
  constructor(row, told) {
    this.row = row;
    this.told = told;
    this.isHot = true;
    const { items, heat } = told;
    this.maps = heat ? mapsOf(heat, items.map((_, place) => [place])) : new Map();
  }

  open(place) {
    this.dialog = byId("photograph");
    this.heading = element("h2", { id: "photograph-heading" });
    this.stage = element("div", { className: "whole" });
    this.text = element("div", { className: "told", "aria-live": "polite" });
    this.hot = element("input", { type: "checkbox", id: "hot", checked: this.isHot, onchange: () => { this.isHot = this.hot.checked; this.lay(); } });
    this.dark = element("input", { type: "range", id: "gloom", min: "20", max: "95", step: "5", value: String(gloom), oninput: () => { gloom = Number(this.dark.value); this.lay(); } });
    this.controls = element("div", { className: "heat" }, element("label", {}, this.hot, " Where it fires"), element("label", {}, "Strength ", this.dark));
    this.dialog.replaceChildren(
      element("form", { method: "dialog" }, element("button", { className: "icon", "aria-label": "Close" }, "×")),
      this.heading,
      this.stage,
      element("div", { className: "split" },
        element("button", { type: "button", id: "photograph-prev", onclick: () => this.step(-1) }, "‹ Previous"),
        this.controls,
        element("button", { type: "button", id: "photograph-next", onclick: () => this.step(1) }, "Next ›")),
      this.text,
    );
    this.dialog.onkeydown = (event) => this.key(event);
    this.go(place);
    this.dialog.showModal();
  }

  key(event) {
    const isSlide = event.target === this.dark && event.key.startsWith("Arrow");
    const keys = { ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), h: () => { if (!this.controls.hidden) this.hot.click(); } };
    if (isSlide || event.altKey || event.ctrlKey || event.metaKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  step(by) {
    const { length } = this.told.items;
    this.go((this.place + by + length) % length);
  }

  go(place) {
    this.place = place;
    const item = this.told.items[place];
    this.heading.replaceChildren(item.name);
    const image = item.whole
      ? element("img", { src: item.whole, alt: item.name })
      : element("img", { src: this.told.file, alt: `Crop of ${item.name}`, className: "crop-of", style: { objectPosition: stripAt(place, this.told) } });
    this.canvas = element("canvas", { className: "acts", width: GLOOM, height: GLOOM, "aria-hidden": "true" });
    this.stage.replaceChildren(image, this.canvas);
    image.addEventListener("load", () => this.lay());
    const isHot = Boolean(item.whole) && this.maps.has(place) && this.maps.get(place).values.some(Boolean);
    this.controls.hidden = !isHot;
    this.text.replaceChildren(...this.facts(item, isHot).map((text) => element("p", {}, text)));
    this.lay();
  }

  facts(item, isHot) {
    const band = BANDS[item.band].toLowerCase();
    const above = item.standing === null ? "" : `, ${model.parts[this.row].negative ? "less" : "more"} than ${shown(100 * item.standing, 3)} % of ${this.told.count.toLocaleString("en")} pictures`;
    return [
      `${this.place + 1} of ${this.told.items.length}, ${band}: activation ${shown(item.activation)}${above}.`,
      item.labels.length ? `Labelled ${item.labels.join(", ")}.` : "",
      item.whole ? "" : "The whole picture is not on this page: it was gone when the page was written, was kept away, or is beyond the most that a page holds. This is the crop.",
      isHot ? `Bright where ${model.ids[this.row]} fires; the network sees the middle square alone.` : this.why(item),
    ].filter(Boolean);
  }

  why(item) {
    if (!item.whole) return "";
    if (this.maps.size) return `${model.ids[this.row]} fires nowhere in it.`;
    return value("channel", this.row) === null && value("kind", this.row) !== "direction" ? "A unit of this kind has no map of its own." : "Where the unit fires is not known yet: atlas examples finds it.";
  }

  /** Lay over the picture's middle square where the unit fires. */
  lay() {
    const image = this.stage.querySelector("img");
    const map = this.maps.get(this.place);
    this.canvas.hidden = this.controls.hidden || !this.isHot;
    this.dark.disabled = !this.isHot;
    if (this.canvas.hidden || !image.naturalWidth) return;
    const [wide, high] = [image.naturalWidth, image.naturalHeight];
    const side = Math.min(wide, high);
    Object.assign(this.canvas.style, { left: `${(50 * (wide - side)) / wide}%`, top: `${(50 * (high - side)) / high}%`, width: `${(100 * side) / wide}%`, height: `${(100 * side) / high}%` });
    this.canvas.style.boxShadow = `0 0 0 999px rgb(8 9 12 / ${gloom}%)`; // what the network does not see
    const pen = this.canvas.getContext("2d", { willReadFrequently: true });
    const drawn = pen.createImageData(GLOOM, GLOOM);
    for (let y = 0; y < GLOOM; y += 1) {
      for (let x = 0; x < GLOOM; x += 1) {
        const fires = Math.min(1, Math.max(0, between(map, (x + 0.5) / GLOOM, (y + 0.5) / GLOOM)));
        drawn.data.set([8, 9, 12, 2.55 * gloom * (1 - fires)], 4 * (y * GLOOM + x));
      }
    }
    pen.putImageData(drawn, 0, 0);
  }
}
