// Units side by side: pictures at full size, statistics row by row, and what they share.
//
//   #compare=mixed4:42,mixed4:3      a comma within an id is %2C, and is seen without that where the id is known

const BESIDE = 24; // units side by side at most
const IN_WORDS = ["layer", "kind", "class_name", "name", "note", "closest_channel", "status", "tells"];
const GOOD = /^(activation|activation_robust|activation_peak|own_rank|selectivity|kept(_\w+)?|agreement|natural_quantile|prediction|prediction_own|name_auroc)$/;
const OWN_SCALE = /^(activation|mean$|deviation|natural_(median|p99))/; // a section's own

function compareAddress(rows) {
  return `#compare=${rows.map((row) => encodedId(model.ids[row]).replaceAll(",", "%2C")).join(",")}`;
}

/** The rows that an address names, each once, and the words that name none. */
function comparedOf(text) {
  const parts = text.split(",").map(decoded).filter(Boolean);
  const [rows, unknown] = [new Set(), []];
  for (let at = 0; at < parts.length; ) {
    const count = [3, 2, 1].find((several) => at + several <= parts.length && unitNamed(parts.slice(at, at + several).join(",")) !== undefined);
    if (count) rows.add(unitNamed(parts.slice(at, at + count).join(",")));
    else unknown.push(parts[at]);
    at += count ?? 1;
  }
  return { rows: [...rows], unknown };
}

/** Fill the article with units side by side. */
function showCompared(article, text, back) {
  const { rows: all, unknown } = comparedOf(text);
  const rows = all.slice(0, BESIDE);
  const only = element("input", { type: "checkbox", id: "differing" });
  only.addEventListener("change", () => article.classList.toggle("differing", only.checked));
  article.classList.remove("differing");
  const shared = element("div", { className: "rest" });
  article.replaceChildren(
    element("div", { className: "crumbs" }, element("a", { href: back, id: "back" }, "← All units")),
    element("h1", { id: "unit-heading", tabindex: "-1" }, rows.length ? `${counted(rows.length, "unit")} side by side` : "Nothing to compare"),
    ...problemsOf(all, unknown),
    ...(rows.length ? [
      element("p", { className: "tools" }, element("label", {}, only, "Only what differs"), collectAll(rows), rows.length > 1 ? element("button", { type: "button", id: "to-shared", onclick: () => shared.querySelector("h2")?.scrollIntoView({ block: "center" }) }, "What they share ↓") : null),
      element("div", { className: "scrolls", tabindex: "0", role: "region", "aria-label": "Units side by side" }, tableOf(rows)),
      element("p", { className: "muted small" }, notesOn(rows)),
      shared,
    ] : []),
  );
  if (rows.length < 2) return;
  Promise.all(rows.map(detailsOf)).then(
    (told) => shared.replaceChildren(...sharedBy(rows, told)),
    () => shared.replaceChildren(element("p", { className: "problem" }, REPLACED)),
  );
}

/** What is wrong with what was asked for, in words. */
function problemsOf(all, unknown) {
  const said = unknown.slice(0, 5).map((name) => `“${[...name].slice(0, 60).join("")}${[...name].length > 60 ? "…" : ""}”`);
  const rest = unknown.length > 5 ? ` and ${(unknown.length - 5).toLocaleString("en")} more` : "";
  return [
    unknown.length ? `This atlas has no ${unknown.length === 1 ? "unit" : "units"} ${said.join(", ")}${rest}.` : "",
    all.length > BESIDE ? `The first ${BESIDE} of ${all.length.toLocaleString("en")} are shown.` : "",
    all.length || unknown.length ? "" : "Collect units in the gallery, by their check marks or with x, then compare them.",
    all.length === 1 ? "One is not enough to compare: collect another." : "",
  ].filter(Boolean).map((text) => element("p", { className: "problem" }, text));
}

function collectAll(rows) {
  return element("button", { type: "button", onclick: () => tray.add(rows) }, "Collect these");
}

// The table ------------------------------------------------------------------------------------------

function tableOf(rows) {
  const heads = rows.map((row) => element("th", { scope: "col" }, pictureFor(row)));
  const words = IN_WORDS.filter((name) => hasColumn(name) && rows.some((row) => value(name, row) !== null)).map((name) => wordsLine(name, rows));
  const numbers = numberColumns().filter((name) => !NO_STATISTICS.has(name) && rows.some((row) => value(name, row) !== null));
  return element(
    "table",
    { className: "compared" },
    element("thead", {}, element("tr", {}, element("td", {}), ...heads)),
    element("tbody", {}, ...words, ...numbers.map((name) => numbersLine(name, rows))),
  );
}

function pictureFor(row) {
  const source = imageOf(row);
  const picture = source ? element("img", { src: source, alt: pictured(row), width: model.size, height: model.size, style: { background: colourOf(row) } }) : element("span", { className: "none" }, value("status", row));
  const away = element("a", { href: compareAddress(comparedOf(state.ids).rows.filter((one) => one !== row)), className: "button", "aria-label": `Leave out ${model.ids[row]}` }, "Leave out");
  return element("div", { className: "beside" }, element("a", { href: addressOf(row) }, picture, element("b", {}, model.ids[row])), element("span", { className: "muted" }, described(row)), element("span", { className: "does" }, collectButton(row), away));
}

function line(name, rows, cells) {
  const values = rows.map((row) => value(name, row));
  const isSame = values.every((one) => one === values[0]);
  return element("tr", { className: isSame ? "same" : null }, element("th", { scope: "row" }, term(labelOf(name), name, rows[0])), ...cells);
}

function wordsLine(name, rows) {
  return line(name, rows, rows.map((row) => element("td", {}, shown(value(name, row)))));
}

function numbersLine(name, rows) {
  const values = rows.map((row) => value(name, row));
  const isOneScale = !OWN_SCALE.test(name) || new Set(rows.map((row) => model.sectionOf[row])).size === 1;
  const some = values.filter((one) => one !== null);
  const [low, high] = [Math.min(0, ...some), Math.max(0, ...some)];
  const isLow = isBetterLow(name, rows[0]);
  const best = isOneScale && GOOD.test(name) && new Set(some).size > 1 ? Math[isLow ? "min" : "max"](...some) : null;
  return line(name, rows, rows.map((row, place) => {
    const number = values[place];
    if (number === null) return element("td", { className: "muted" }, "–");
    const sorted = spreadOf(row, name);
    return element(
      "td",
      { className: number === best ? "number best" : "number" },
      element("span", {}, shown(number), number === best ? element("strong", {}, " best") : null),
      isOneScale ? meter(number, low, high) : null,
      sorted.length > 1 ? element("span", { className: "muted small" }, ranked(sorted, number, isBetterLow(name, row))) : null,
    );
  }));
}

/** A bar from zero, on the scale of all that are compared. */
function meter(number, low, high) {
  const place = (one) => (100 * (one - low)) / (high - low || 1);
  const [from, to] = [Math.min(0, number), Math.max(0, number)].map(place);
  return element("span", { className: "bar-of", "aria-hidden": "true" }, element("span", { className: number < 0 ? "down" : "up", style: { left: `${from}%`, width: `${to - from}%` } }), element("span", { className: "zero", style: { left: `${place(0)}%` } }));
}

function notesOn(rows) {
  const isMixed = new Set(rows.map((row) => model.sectionOf[row])).size > 1;
  const mixed = isMixed ? " These are of several sections, whose activations are on no common scale: of them none is marked best, and only ranks compare." : "";
  return `Bars are on one scale a row. Ranks are within each unit’s own section.${mixed}`;
}

// What they share --------------------------------------------------------------------------------------

function sharedBy(rows, told) {
  return [nearestShared(rows, told), photographsShared(rows, told), sourcesShared(rows, told)].filter(Boolean);
}

/** By key what several of some lists have in common: [key, the entries of it by row], most shared first. */
function common(rows, lists) {
  const found = new Map();
  lists.forEach((list, place) => {
    for (const [key, entry] of list) found.set(key, [...(found.get(key) ?? []), [rows[place], entry]]);
  });
  return [...found].filter(([, of]) => of.length > 1).sort((a, b) => b[1].length - a[1].length).slice(0, BESIDE);
}

function nearestShared(rows, told) {
  if (!told.some((one) => one?.nearest?.length)) return null;
  const lists = told.map((one) => (one?.nearest ?? []).map((id, place) => [id, one.nearest_distance?.[place]]));
  const mutual = rows.flatMap((row, place) => lists[place].filter(([id]) => rows.includes(model.rowOf.get(id))).map(([id, far]) => `${id} is among the nearest of ${model.ids[row]}, at ${shown(far, 3)}`));
  const both = common(rows, lists).filter(([id]) => model.rowOf.has(id)).map(([id, of]) => unitLink(model.rowOf.get(id), of.map(([row, far]) => `${shown(far, 3)} from ${model.ids[row]}`).join(", ")));
  return part(
    "Nearest in common",
    element("p", { className: "muted" }, both.length ? "Units that are among the ten most alike of several of them, by " : "No unit is among the ten most alike of two of them, by ", term("distance"), "."),
    mutual.length ? element("ul", { className: "direct" }, ...mutual.slice(0, BESIDE).map((text) => element("li", {}, `${text}.`))) : null,
    both.length ? element("div", { className: "minis" }, ...both) : null,
  );
}

function photographsShared(rows, told) {
  if (!told.some((one) => one?.examples?.items)) return null;
  const lists = told.map((one) => (one?.examples?.items ?? []).map((item, place) => [item.name, { ...item, place, examples: one.examples }]).filter(([, { band }]) => band === 0));
  const figures = common(rows, lists).map(([picture, of]) => {
    const crops = of.map(([row, { activation, place, examples }]) => {
      const image = element("img", { src: examples.file, alt: "", loading: "lazy", decoding: "async" });
      image.style.objectPosition = stripAt(place, examples);
      return element("figure", {}, element("div", { className: "crop" }, image), element("figcaption", {}, model.ids[row], element("span", { className: "muted" }, shown(activation))));
    });
    return element("div", {}, element("h3", {}, nameOf(picture)), element("div", { className: "examples" }, ...crops));
  });
  const said = figures.length ? "Of the builder’s pictures, those that are among the strongest of several of them, cut as for each." : "None of the builder’s pictures is among the strongest of two of them.";
  return part("Photographs in common", element("p", { className: "muted" }, said), ...figures);
}

function sourcesShared(rows, told) {
  if (!told.some((one) => one?.circuit?.sources?.length)) return null;
  const lists = told.map((one) => (one?.circuit?.sources ?? []).map((edge) => [edge[0], edge]));
  const tiles = common(rows, lists).map(([id, of]) => {
    const how = of.map(([row, [, share, sign, zero]]) => `${sign > 0 ? "excites" : "inhibits"} ${model.ids[row]}, ${share === null ? shown(-zero, 2) : percent(share)}`).join("; ");
    const row = model.rowOf.get(id);
    return row === undefined ? element("span", { className: "mini" }, element("span", { className: "none" }), element("span", { className: "name" }, id), element("span", { className: "muted" }, `${how}; not in this atlas`)) : unitLink(row, how);
  });
  const said = tiles.length ? "Channels of earlier layers that several of them are built from, and the " : "No channel is among the strongest sources of two of them; it would tell its ";
  return part("Built from in common", element("p", { className: "muted" }, said, term("share"), tiles.length ? " of each that goes without." : "."), tiles.length ? element("div", { className: "minis" }, ...tiles) : null);
}
