"use strict";
// Interruptions: choose lines, name premises or draw an area, see whom it concerns, give notice; move, withdraw, end one.

const map = document.getElementById("map");
const form = document.getElementById("notice-form");
const opened = document.getElementById("opened");
const corners = [];

/** A polygon of the corners that were clicked; null with fewer than three. */
function area() {
  if (corners.length < 3) return null;
  const ring = [...corners, corners[0]].map(({ x, y }) => {
    const { lat, lon } = ground.meant(map, x, y);
    return [Number(lon.toFixed(6)), Number(lat.toFixed(6))];
  });
  return { type: "Polygon", coordinates: [ring] };
}

function draw() {
  document.getElementById("area").setAttribute("points", corners.map(({ x, y }) => `${x},${y}`).join(" "));
  const dots = corners.map(({ x, y }) => {
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    for (const [name, value] of Object.entries({ cx: x, cy: y, r: 7, class: "corner" })) dot.setAttribute(name, value);
    return dot;
  });
  document.getElementById("corners").replaceChildren(...dots);
  unsure();
}

/** What was looked at is no longer what is written: look again. */
function unsure() {
  document.getElementById("whom").textContent = "";
  form.querySelector("[data-do=give]").hidden = true;
}

function meant() {
  const named = form.premises.value.split(/[\s,;，；、]+/).filter(Boolean);
  const feeders = [...form.querySelectorAll("[name=feeder]:checked")].map((box) => box.value);
  return { territory_id: form.dataset.territory, premises: named, feeders, area: area() };
}

async function look() {
  const found = await gridcrew.send("POST", "/api/v1/outage-notices/whom", meant());
  if (!found) return;
  const said = document.getElementById("whom");
  const words = said.dataset.whom.replace("{premises}", found.premises).replace("{customers}", found.customers);
  said.textContent = `${words} ${found.addresses.join(" · ")}${found.premises > found.addresses.length ? " …" : ""}`;
  const give = form.querySelector("[data-do=give]");
  give.textContent = give.dataset.give.replace("{customers}", found.customers);
  give.hidden = false;
}

/** The times of a form as instants; what was left empty is left out. */
function times(given, zone) {
  const named = [...new FormData(given)].filter(([name, value]) => name.endsWith("_at") && value);
  return Object.fromEntries(named.map(([name, wall]) => [name, gridcrew.instant(wall, zone)]));
}

if (form) {
  form.addEventListener("input", unsure);
  form.unplanned.addEventListener("change", () => {
    for (const part of form.querySelectorAll("[data-fault]")) part.hidden = !form.unplanned.checked;
  });
  form.querySelector("[data-filter]")?.addEventListener("input", ({ target }) => {
    const wanted = target.value.trim().toLowerCase();
    for (const one of form.querySelectorAll(target.dataset.filter)) one.hidden = !one.textContent.toLowerCase().includes(wanted);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    gridcrew.once(form.querySelector("[data-step=look]"), look);
  });
}

if (form && map) {
  map.addEventListener("click", (event) => {
    const { x, y } = ground.clicked(map, event);
    corners.push({ x: Math.round(x), y: Math.round(y) });
    draw();
  });
}

gridcrew.deeds({
  fewer: async () => {
    corners.pop();
    draw();
  },
  none: async () => {
    corners.length = 0;
    draw();
  },
  give: async () => {
    if (!form.reportValidity()) return;
    const reasons = { reason_zh: form.reason_zh.value, reason_en: form.reason_en.value };
    const body = { ...meant(), ...times(form, form.dataset.zone), ...reasons, unplanned: form.unplanned.checked };
    const made = await gridcrew.send("POST", "/api/v1/outage-notices", body);
    if (made) location.assign(`${form.dataset.then}&notice=${made.id}`);
  },
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("#hits a");
  if (!link) return;
  event.preventDefault();
  form.premises.value = [form.premises.value.trim(), link.dataset.found].filter(Boolean).join("\n");
  unsure();
});

document.addEventListener("submit", (event) => {
  const { deed } = event.target.dataset;
  if (!deed) return;
  event.preventDefault();
  gridcrew.once(event.target.querySelector("button"), async () => {
    const { notice, version, zone } = opened.dataset;
    const url = `/api/v1/outage-notices/${notice}/${deed}`;
    const method = deed === "times" ? "PUT" : "POST";
    if (await gridcrew.send(method, url, times(event.target, zone), version)) location.reload();
  });
});
