"use strict";
// Files in: sent in pieces, checked, imported; columns mapped by a layout that is saved.

const PIECE = 900000;
const fresh = document.getElementById("new");
const current = document.getElementById("import");

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

/** Sends one piece of a file; a refusal is shown and gives false. */
async function piece(url, content) {
  try {
    const answer = await gridcrew.fetched("PUT", url, content, { "Content-Type": "application/octet-stream" });
    if (answer.ok) return true;
    gridcrew.say(gridcrew.worded(await answer.json()));
  } catch {
    gridcrew.say(gridcrew.notice.dataset.network);
  }
  return false;
}

async function sendFile(address, line) {
  const bar = line.querySelector("progress");
  const kind = line.querySelector("select").value;
  const count = Math.max(1, Math.ceil(line.file.size / PIECE));
  bar.hidden = false;
  bar.max = count;
  for (let number = 0; number < count; number += 1) {
    const content = line.file.slice(number * PIECE, (number + 1) * PIECE);
    const url = `${address}/files/${encodeURIComponent(line.file.name)}/${number}?kind=${kind}`;
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

/** The layout as chosen on the page; what the page does not show (values, defaults) stays as it was. */
function layoutDocument(name) {
  const known = JSON.parse(document.getElementById("layouts").dataset.documents);
  const layout = { ...(known[name] ?? known[document.getElementById("layout").value]) };
  for (const group of document.querySelectorAll("fieldset[data-kind]")) {
    const sheet = { ...layout[group.dataset.kind] };
    const selects = [...group.querySelectorAll("select[data-column]")];
    if (selects.length) {
      const used = selects.filter((select) => select.value);
      sheet.columns = Object.fromEntries(used.map((select) => [select.dataset.column, select.value]));
    }
    const [row, name] = group.querySelectorAll("input[data-field]");
    sheet.header_row = Number(row.value) || 1;
    sheet.sheet = name.value.trim() || null;
    layout[group.dataset.kind] = sheet;
  }
  return layout;
}

const deeds = {
  send: async () => {
    const run = await gridcrew.send("POST", fresh.dataset.open);
    if (!run) return;
    const address = `/api/v1/imports/${run.id}`;
    for (const line of chosen()) if (!(await sendFile(address, line))) return;
    if (await start(address, true)) location.assign(`${fresh.dataset.page}&import=${run.id}`);
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
    const url = `/api/v1/import-profiles/${encodeURIComponent(name)}`;
    const seen = JSON.parse(document.getElementById("layouts").dataset.versions)[name] ?? 0;
    if (!(await gridcrew.send("PUT", url, { document: layoutDocument(name) }, seen))) return;
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
