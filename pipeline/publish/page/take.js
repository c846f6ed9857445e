// What is taken away: rows as CSV, a sheet as PNG, ids, an address, the command of a paper's sheet.

const EDGE = 12_000; // pixels of a sheet's side, which browsers still draw
const WORDS = 10_000; // letters of an expression that `atlas sheet` takes

/** Have the menu of the tray do what it says. */
function fillTake(menu) {
  const says = element("p", { className: "small", role: "status", id: "take-says" });
  const say = (text) => { says.textContent = text; };
  const row = (text, what, does) => element("button", { type: "button", id: `take-${what}`, onclick: () => does(say).catch((error) => say(error.message)) }, text);
  menu.replaceChildren(
    element("h2", { id: "take-heading" }, "Take away what is collected"),
    element(
      "div",
      { className: "ways" },
      row("CSV, all columns", "csv", async (told) => saveCsv(tray.rows, told)),
      row("PNG sheet", "png", async (told) => saveSheet(tray.rows, told)),
      row("Copy the ids", "ids", async (told) => told(await copiedOr(tray.rows.map((one) => model.ids[one]).join("\n"), "The ids are copied, one a line."))),
      row("Copy the address", "address", async (told) => told(await copiedOr(new URL(compareAddress(tray.rows), location.href).href, "The address is copied."))),
      row("Copy the command for a paper’s sheet", "command", async (told) => told(await copiedOr(sheetCommand(tray.rows), "The command is copied: run it where the atlas was built, or name the atlas’s folder after “sheet”."))),
    ),
    says,
    element("div", { id: "take-folder", hidden: true }),
  );
  menu.addEventListener("beforetoggle", () => { say(""); byId("take-folder").hidden = true; });
}

async function copiedOr(text, said) {
  return (await copied(text)) ? said : "This browser did not let it be copied.";
}

function save(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function fileName(what) {
  return `${model.network.replace(/[^\w.-]+/g, "_").slice(0, 60)}-${what}`;
}

// CSV ----------------------------------------------------------------------------------------------

/** Save rows as CSV, with the columns of the index in its order. */
async function saveCsv(rows, say) {
  const lines = [model.order.map(cellOf).join(",")];
  for (const [place, row] of rows.entries()) {
    if (place % 200 === 0) say(`Gathering ${place.toLocaleString("en")} of ${rows.length.toLocaleString("en")} …`);
    const told = model.order.some((name) => !model.columns.has(name)) ? await detailsOf(row).catch(() => null) : null;
    lines.push(model.order.map((name) => cellOf(model.columns.has(name) ? value(name, row) : told?.[name], name)).join(","));
  }
  save(fileName("units.csv"), `${lines.join("\n")}\n`, "text/csv");
  say(`${counted(rows.length, "row")} saved.`);
}

/** A cell as the index's own CSV has it; no text of it is a formula to a spreadsheet. */
function cellOf(one, name = "") {
  if (one === null || one === undefined) return "";
  if (typeof one === "boolean") return one ? "True" : "False";
  if (typeof one === "number") return String(one);
  const text = Array.isArray(one) ? one.map((item) => (typeof item === "number" ? String(Number(item.toPrecision(4))) : item)).join(" ") : one;
  const isId = model.rowOf.has(text) || ["nearest", "nearest_distance", "built_from", "feeds"].includes(name);
  const safe = (isId ? /^[=+@\t\r]/ : /^[=+\-@\t\r]/).test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// A sheet as PNG -------------------------------------------------------------------------------------

/** Save a sheet of the pictures as they are stored, pixel for pixel, with their names. */
async function saveSheet(rows, say) {
  const some = rows.filter((row) => imageOf(row));
  if (!some.length) return say("None of them has a picture yet.");
  const plan = planOf(some.length);
  if (Math.max(plan.width, plan.height) > EDGE) return say(`${counted(some.length, "picture")} are too many for one sheet: take fewer, or the command.`);
  say("Drawing …");
  try {
    return await drawn(some, plan, async (row) => { const image = new Image(); image.src = imageOf(row); await image.decode(); return image; }, say);
  } catch (error) {
    if (error.name !== "SecurityError") throw error;
    return askForFolder(some, plan, say);
  }
}

/** Where everything goes on a sheet of so many pictures, about 4 by 3. */
function planOf(count) {
  const scale = Math.max(1, Math.ceil(96 / model.size)); // of tiny pictures, whole pixels
  const tile = model.size * scale;
  const columns = Math.max(Math.min(count, 3), Math.ceil(Math.sqrt((count * 4) / 3)));
  const [gap, caption, head, foot] = [12, 24, 56, 32];
  const lines = Math.ceil(count / columns);
  return { tile, columns, gap, caption, head, width: gap + columns * (tile + gap), height: head + lines * (tile + caption + gap) + foot };
}

async function drawn(rows, plan, pictureFor, say) {
  const canvas = element("canvas", { width: plan.width, height: plan.height });
  const pen = canvas.getContext("2d");
  const write = (text, x, y, room, font) => { pen.font = font; pen.fillText(shortened(pen, text, room), x, y); };
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, plan.width, plan.height);
  pen.fillStyle = "#000";
  pen.imageSmoothingEnabled = false;
  const room = plan.width - 2 * plan.gap;
  write(`${counted(rows.length, "unit")} of ${model.network}`, plan.gap, 34, room, "600 20px system-ui, sans-serif");
  write(marks(), plan.gap, plan.height - 14, room, "12px system-ui, sans-serif");
  for (const [place, row] of rows.entries()) {
    const x = plan.gap + (place % plan.columns) * (plan.tile + plan.gap);
    const y = plan.head + Math.floor(place / plan.columns) * (plan.tile + plan.caption + plan.gap);
    pen.drawImage(await pictureFor(row), x, y, plan.tile, plan.tile);
    write(captionOf(row), x, y + plan.tile + 16, plan.tile, "13px system-ui, sans-serif");
  }
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("This browser has no room for the sheet: take fewer.");
  save(fileName("sheet.png"), blob, "image/png");
  say("The sheet is saved.");
}

function shortened(pen, text, room) {
  let letters = [...text];
  if (pen.measureText(text).width <= room) return text;
  while (letters.length && pen.measureText(`${letters.join("")}…`).width > room) letters = letters.slice(0, -1);
  return `${letters.join("")}…`;
}

/** What tells a sheet's origin: recipe, size, fingerprint, date. */
function marks() {
  const recipe = model.facts.find(([name]) => name === "recipe")?.[1] ?? "";
  return `${recipe}, ${model.size} px · fingerprint ${model.fingerprint.slice(0, 16)} · ${new Date().toISOString().slice(0, 10)}`;
}

/** Ask for the folder of the pictures, where a browser lets no page from a disk read its own. */
function askForFolder(rows, plan, say) {
  const given = element("input", { type: "file", id: "take-images", webkitdirectory: true, multiple: true });
  given.addEventListener("change", async () => {
    const files = new Map([...given.files].map((file) => [file.name, file]));
    const missing = rows.filter((row) => !files.has(imageOf(row).split("/").at(-1)));
    if (missing.length) return say(`${counted(missing.length, "picture")} of the ${rows.length.toLocaleString("en")} are not in that folder.`);
    return drawn(rows, plan, (row) => createImageBitmap(files.get(imageOf(row).split("/").at(-1))), say).catch((error) => say(error.message));
  });
  say("Opened from a disk, a page may not read its pictures back. Choose the folder “images” beside this page, and the sheet is drawn from it; nothing is sent anywhere.");
  byId("take-folder").replaceChildren(element("label", { for: "take-images" }, "Folder images "), given);
  byId("take-folder").hidden = false;
}

// The command ----------------------------------------------------------------------------------------

/** The command that draws units as a paper's sheet. */
function sheetCommand(rows) {
  const expression = `unit in [${rows.map((row) => JSON.stringify(model.ids[row])).join(", ")}]`;
  if (expression.length > WORDS) throw new Error(`These are too many for one command, which takes ${WORDS.toLocaleString("en")} letters: collect fewer.`);
  return `atlas sheet ${quoted(expression)} --heading ${quoted(`Units of ${model.network}`)} -o sheet.pdf`;
}
