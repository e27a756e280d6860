"use strict";
// Files in: sent in pieces, checked, imported; columns mapped by a layout that is saved.

const PIECE = 900000;
const AGAIN = 1500; // milliseconds before a piece that did not get through is sent again
const fresh = document.getElementById("new");
const current = document.getElementById("import");
let opened = null; // the import that the chosen files are sent to: again, when that broke off

function kindOf(name) {
  const names = JSON.parse(fresh.dataset.names);
  const begins = (word) => name.toLowerCase().startsWith(word);
  return Object.keys(names).find((kind) => names[kind].some(begins)) || "";
}

function chosen() {
  return [...document.querySelectorAll("#chosen li")];
}

function ready() {
  const lines = chosen();
  fresh.querySelector("[data-do=send]").disabled =
    !lines.length || lines.some((line) => !line.querySelector("select").value);
}

function list(files) {
  opened = null;
  const place = document.getElementById("chosen");
  place.replaceChildren();
  for (const file of files) {
    const line = document.getElementById("line").content.firstElementChild.cloneNode(true);
    line.querySelector("strong").textContent = file.name;
    line.querySelector("select").value = kindOf(file.name);
    line.file = file;
    place.append(line);
  }
  ready();
}

/** Sends one piece of a file, again when the network fails; a refusal is shown and gives false. */
async function piece(url, content, tries = 3) {
  try {
    const answer = await gridcrew.fetched("PUT", url, content, { "Content-Type": "application/octet-stream" });
    if (answer.ok) return true;
    gridcrew.say(gridcrew.worded(await answer.json()));
  } catch {
    if (tries > 1) {
      await new Promise((later) => setTimeout(later, AGAIN));
      return piece(url, content, tries - 1);
    }
    gridcrew.say(gridcrew.notice.dataset.network);
  }
  return false;
}

async function sendFile(address, line) {
  const bar = line.querySelector("progress");
  const kind = line.querySelector("select").value;
  const { size } = line.file;
  const count = Math.max(1, Math.ceil(size / PIECE));
  bar.hidden = false;
  bar.max = count;
  for (let number = 0; number < count; number += 1) {
    const content = line.file.slice(number * PIECE, (number + 1) * PIECE);
    const url = `${address}/files/${encodeURIComponent(line.file.name)}/${number}?kind=${kind}&size=${size}`;
    if (!(await piece(url, content))) return false;
    bar.value = number + 1;
  }
  return true;
}

async function start(address, dryRun, profile) {
  const layout = profile ?? document.getElementById("layout")?.value;
  const body = {
    dry_run: dryRun,
    skip_bad: document.getElementById("skip")?.checked ?? false,
    update: document.getElementById("update")?.checked ?? false,
    profile: layout || null,
  };
  return gridcrew.send("POST", `${address}/start`, body);
}

/** What the file writes, and what it means: one in each line, as in 重要 = B; a line that is none is shown and gives null. */
function meanings(field) {
  const found = {};
  for (const line of field.value.split("\n").filter((text) => text.trim())) {
    const at = line.lastIndexOf("=");
    const [theirs, ours] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    if (at < 0 || !theirs || !ours) {
      gridcrew.say(`${document.getElementById("layouts").dataset.unclear} ${line}`);
      field.focus();
      return null;
    }
    found[theirs] = ours;
  }
  return found;
}

/** The filled fields of the group by the column that `of` says they are for. */
function byColumn(group, of, value) {
  const fields = [...group.querySelectorAll(`[data-${of}]`)].filter((field) => field.value.trim());
  return Object.fromEntries(fields.map((field) => [field.dataset[of], value(field)]));
}

/** The layout as chosen on the page, null when a field is not clear; what the page does not show stays as it was. */
function layoutDocument(name) {
  const known = JSON.parse(document.getElementById("layouts").dataset.documents);
  const layout = { ...(known[name] ?? known[document.getElementById("layout").value]) };
  for (const group of document.querySelectorAll("fieldset[data-kind]")) {
    const sheet = { ...layout[group.dataset.kind] };
    if (group.querySelector("select[data-column]")) {
      sheet.columns = byColumn(group, "column", (select) => select.value);
      sheet.defaults = byColumn(group, "default", (field) => field.value.trim());
      sheet.values = byColumn(group, "values", meanings);
      if (Object.values(sheet.values).includes(null)) return null;
    }
    const field = (of) => group.querySelector(`[data-field=${of}]`).value.trim();
    sheet.header_row = Number(field("header_row")) || 1;
    sheet.sheet = field("sheet") || null;
    sheet.encoding = field("encoding") || null;
    layout[group.dataset.kind] = sheet;
  }
  return layout;
}

const deeds = {
  send: async () => {
    opened ??= await gridcrew.send("POST", fresh.dataset.open);
    if (!opened) return;
    gridcrew.say("");
    const address = `/api/v1/imports/${opened.id}`;
    for (const line of chosen()) if (!(await sendFile(address, line))) return;
    if (await start(address, true)) location.assign(`${fresh.dataset.page}&import=${opened.id}`);
  },
  check: async () => {
    if (await start(current.dataset.address, true)) location.reload();
  },
  take: async () => {
    if (await start(current.dataset.address, false)) location.reload();
  },
  stop: () => gridcrew.send("POST", `${current.dataset.address}/stop`),
  save: async () => {
    const field = document.getElementById("layout-name");
    const name = field.value.trim();
    if (!name) {
      field.focus();
      return;
    }
    const layout = layoutDocument(name);
    if (!layout) return;
    const url = `/api/v1/import-profiles/${encodeURIComponent(name)}`;
    const seen = JSON.parse(document.getElementById("layouts").dataset.versions)[name] ?? 0;
    if (!(await gridcrew.send("PUT", url, { document: layout }, seen))) return;
    if (await start(current.dataset.address, true, name)) location.reload();
  },
};

function showProgress({ progress: { file, rows, total } }) {
  if (!rows) return;
  document.getElementById("doing").textContent = file;
  document.getElementById("rows").textContent = rows.toLocaleString();
  gridcrew.filled(rows, total);
}

if (current && "waiting" in current.dataset) {
  gridcrew.follow(current.dataset.address, ["waiting", "running"], showProgress);
}

document.addEventListener("change", (event) => {
  if (event.target.id === "choose") list(event.target.files);
  else if (fresh) ready();
});

gridcrew.deeds(deeds);
