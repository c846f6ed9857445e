// A unit's picture: in the size of its place, pixel by pixel, or enlarged with hard pixels; to be saved.

const LOOKS = [["fit", "Fit", "as large as its place"], ["one", "1:1", "a pixel of it on a pixel"], ["hard", "Enlarged", "whole pixels, enlarged"]];
let look = LOOKS[0][0]; // kept from unit to unit

function figureOf(row) {
  const source = imageOf(row);
  if (!source) {
    const status = value("status", row);
    const why = { missing: "Not built yet.", failed: "The last build gave it up.", unavailable: "Unavailable: these weights have no classifier, so no class can be shown or named." }[status] ?? status;
    return element("figure", { className: "large" }, element("div", { className: "frame none" }, why));
  }
  const image = element("img", { src: source, alt: `${pictured(row)}: ${described(row)}`, width: model.size, height: model.size, style: { background: colourOf(row) } });
  const doubt = isDoubtful(row) ? element("p", { className: "doubt" }, element("strong", {}, "?"), ` ${DOUBT} ${model.judge}.`) : null;
  return element("figure", { className: "large" }, element("div", { className: "frame" }, image), doubt, element("figcaption", {}, element("a", { href: source, download: fileNameOf(row), id: "save" }, "Save the picture (PNG)")));
}

const DOUBT = "This picture did not tell which of the builder's photographs the unit answers to most, by the eyes of";

function fileNameOf(row) {
  return `${model.ids[row].replace(/[^\w.@+-]/g, "_")}.png`;
}

/** What a unit's picture is a picture of. */
function pictured(row) {
  const words = model.pictured[value("direction", row)][Number(value("alive", row) !== false)];
  return words.replaceAll("{unit}", model.ids[row].slice(model.parts[row].negative ? 1 : 0));
}

/** Buttons that say how large the picture is shown. */
function sized(figure) {
  const frame = figure.querySelector(".frame");
  const image = frame.querySelector("img");
  if (!image) return;
  const stage = element("div", { className: "stage" });
  frame.replaceWith(stage);
  stage.append(frame);
  const buttons = LOOKS.map(([name, text, title]) => element("button", { type: "button", title, onclick: () => choose(name) }, text));
  const choose = (name) => {
    look = name;
    const times = Math.max(2, Math.floor(figure.clientWidth / model.size));
    const side = { fit: 0, one: model.size, hard: model.size * times }[name];
    figure.dataset.look = name;
    frame.style.width = side ? `${side}px` : "";
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(LOOKS[place][0] === name)));
    buttons[2].textContent = `${LOOKS[2][1]} ×${times}`;
    const isWide = side > figure.clientWidth;
    for (const [attribute, one] of [["tabindex", "0"], ["role", "region"], ["aria-label", "The picture, enlarged"]]) {
      if (isWide) stage.setAttribute(attribute, one);
      else stage.removeAttribute(attribute);
    }
  };
  figure.querySelector("figcaption").prepend(element("span", { className: "looks", role: "group", "aria-label": "Size of the picture", id: "looks" }, ...buttons));
  choose(look);
}

/** Show the picture in the next size. */
function nextLook() {
  const buttons = [...document.querySelectorAll("#looks button")];
  const place = buttons.findIndex((button) => button.getAttribute("aria-pressed") === "true");
  buttons[(place + 1) % buttons.length]?.click();
}

/** The digest of the file that is saved. */
function digestOf(figure, sha256) {
  if (!sha256 || !figure.querySelector("#save")) return;
  figure.querySelector("figcaption").append(element("span", { className: "digest small" }, "SHA-256 of the file: ", element("code", { id: "file-sha256" }, sha256)));
}

/** A button under the picture that plays its film in the picture's place. */
function filmed(figure, film, row) {
  const image = figure.querySelector("img");
  const still = imageOf(row);
  const button = element("button", { type: "button", id: "film", "aria-pressed": "false" }, "▶ How it came about");
  button.addEventListener("click", () => {
    const playing = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(playing));
    button.textContent = playing ? "■ Stop" : "▶ How it came about";
    image.src = playing ? film : still;
  });
  figure.querySelector("figcaption").prepend(button);
}
