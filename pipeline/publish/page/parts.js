// Parts of the page. Texts become text nodes and nothing else: none of them can be markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties and children; strings become text. */
function element(name, properties = {}, ...children) {
  return filled(document.createElement(name), properties, children);
}

function drawing(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, properties, children) {
  for (const [name, one] of Object.entries(properties)) {
    if (one === null || one === undefined || one === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), one);
    else if (name === "style") Object.assign(made.style, one);
    else made.setAttribute(name === "className" ? "class" : name, one === true ? "" : one);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

/** A link to a unit: its picture and its name. */
function unitLink(row, note = "") {
  const source = thumbOf(row);
  return element(
    "a",
    { href: addressOf(row), className: "mini" },
    source
      ? element("img", { src: source, alt: "", width: 96, height: 96, loading: "lazy", decoding: "async", style: { background: colourOf(row) } })
      : element("span", { className: "none" }),
    element("span", { className: "name" }, model.ids[row]),
    note ? element("span", { className: "muted" }, note) : null,
  );
}

/** The address of a unit's page. */
function addressOf(row) {
  return `#${encodedId(model.ids[row])}`;
}

function encodedId(id) {
  return encodeURI(id).replaceAll("?", "%3F");
}

function copyButton(text, what) {
  const button = element("button", { type: "button", className: "copy", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await copied(text)) ? "Copied" : "Press Ctrl-C";
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  });
  return button;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", { className: "hidden", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
