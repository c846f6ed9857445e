// Paper: what a printed gallery says above its tiles, and a unit's page as one sheet.

const paper = { sheet: null };

/** What was asked for, in words. */
function askedFor() {
  const section = model.sections.find((one) => one.name === state.section);
  const sort = state.sort ? `sorted by ${labelOf(state.sort.replace(/^-/, ""))}, ${state.sort.startsWith("-") ? "largest" : "smallest"} first` : "in the atlas’s order";
  return [counted(found.length, "unit"), state.q && `found by ${state.q}`, section && `of ${section.heading}`, state.show !== "done" && `state: ${state.show}`, sort].filter(Boolean).join(", ");
}

function headPaper() {
  byId("print-head").textContent = askedFor();
  byId("print-foot").textContent = marks();
}

/** Make a unit's sheet ready, its pictures loading, to be there when it is printed; none for null. */
function readyPaper(row, told = null) {
  paper.sheet = row === null ? null : element(
    "section",
    { className: "paper" },
    element("h1", {}, model.ids[row], element("span", {}, model.network)),
    element("p", {}, described(row), value("note", row) === null ? "" : ` · ${value("note", row)}`),
    element("div", { className: "top" }, paperPicture(row), keyFigures(row)),
    element("div", { className: "middle" }, paperTrajectory(row, told), paperRow("Built from", sourcesOf(told))),
    paperExamples(row, told),
    paperRow("Most alike", (told?.nearest ?? []).slice(0, 9).map((id) => [id, ""])),
    element("footer", {}, marks()),
  );
}

function paperPicture(row) {
  const source = imageOf(row);
  return source ? element("img", { src: source, alt: pictured(row), width: model.size, height: model.size }) : element("span", {}, value("status", row));
}

function paperTrajectory(row, told) {
  if (!(told?.trajectory?.length > 1)) return null;
  return element("div", {}, element("h2", {}, "Trajectory"), trajectoryChart(told.trajectory, value("activation", row) ?? told.trajectory.at(-1)));
}

function sourcesOf(told) {
  const edges = (told?.circuit?.sources ?? []).filter(([id]) => model.rowOf.has(id));
  return edges.slice(0, 10).map(([id, share, sign, zero]) => [id, `${sign > 0 ? "+" : "−"} ${share === null ? shown(-zero, 2) : percent(Math.abs(share))}`.replaceAll(" ", "\u00a0")]);
}

/** A row of small pictures with names; nothing where there are none. */
function paperRow(heading, items) {
  const made = items.map(([id, note]) => {
    const row = model.rowOf.get(id);
    const source = row === undefined ? null : thumbOf(row);
    return element("figure", {}, source ? element("img", { src: source, alt: "" }) : element("span", {}), element("figcaption", {}, id, note ? ` ${note}` : ""));
  });
  return made.length ? element("div", {}, element("h2", {}, heading), element("div", { className: "row" }, ...made)) : null;
}

function paperExamples(row, told) {
  const { file, items } = told?.examples ?? {};
  if (!file || !Array.isArray(items)) return null;
  const strong = items.map((item, place) => ({ item, place })).filter(({ item, place }) => item.band === 0 && item.alike === place);
  const crops = strong.slice(0, 9).map(({ place }) => {
    const image = element("img", { src: file, alt: "" });
    image.style.objectPosition = stripAt(place, told.examples);
    return element("figure", {}, image);
  });
  return element("div", {}, element("h2", {}, `The builder’s pictures that excite it ${model.parts[row].negative ? "least" : "most"}`), element("div", { className: "row" }, ...crops));
}

addEventListener("beforeprint", () => {
  if (!paper.sheet || byId("unit").hidden) return;
  document.body.append(paper.sheet);
  document.body.classList.add("on-paper");
});
addEventListener("afterprint", () => {
  paper.sheet?.remove();
  document.body.classList.remove("on-paper");
});
