"use strict";
// Places: follow the geocoder's run; choose premises, point at the map or type degrees, place them.

const panel = document.getElementById("geocoding");
const map = document.getElementById("map");
const mark = document.getElementById("mark");
const form = document.getElementById("position");
const view = map ? { x: 0, y: 0, width: Number(map.dataset.width) } : null;
const METRES = 111195; // a degree of latitude
let chosen = null;

function showProgress(run) {
  document.getElementById("progress").value = run.looked_up;
  document.getElementById("looked-up").textContent = run.looked_up;
  document.getElementById("placed").textContent = run.placed;
}

if (panel.dataset.run) {
  gridcrew.follow(`/api/v1/geocodings/${panel.dataset.run}`, ["waiting", "running"], showProgress, 1000);
}

/** Metres that one pixel of the screen covers. */
function coarse() {
  return ((view.width / map.getBoundingClientRect().width) * METRES) / map.dataset.scale;
}

function show() {
  const height = (view.width * map.dataset.height) / map.dataset.width;
  map.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${height}`);
  mark.setAttribute("r", (12 * view.width) / map.dataset.width);
}

function point(x, y) {
  mark.setAttribute("cx", x);
  mark.setAttribute("cy", y);
  mark.setAttribute("visibility", "visible");
}

/** Take a point of the drawing as the position; a finger is some ten pixels wide. */
function pick(x, y) {
  if (!form) return;
  const { lat, lon } = ground.meant(map, x, y);
  form.lat.value = lat.toFixed(6);
  form.lon.value = lon.toFixed(6);
  form.datum.value = "wgs84";
  form.accuracy_m.value = Math.max(5, Math.round(10 * coarse()));
  point(x, y);
}

function zoom(factor) {
  const whole = Number(map.dataset.width);
  const shape = map.dataset.height / whole;
  const at = mark.hasAttribute("cx")
    ? { x: Number(mark.getAttribute("cx")), y: Number(mark.getAttribute("cy")) }
    : { x: view.x + view.width / 2, y: view.y + (view.width * shape) / 2 };
  view.width = Math.min(whole, Math.max(whole / 64, view.width * factor));
  view.x = Math.min(Math.max(at.x - view.width / 2, 0), whole - view.width);
  view.y = Math.min(Math.max(at.y - (view.width * shape) / 2, 0), (whole - view.width) * shape);
  show();
}

function choose(button) {
  const row = button.closest("[data-premises]");
  document.querySelectorAll("[data-premises][aria-current]").forEach((old) => old.removeAttribute("aria-current"));
  row.setAttribute("aria-current", "true");
  chosen = row;
  document.getElementById("chosen").textContent = row.dataset.address;
  form.querySelector("button").disabled = false;
  if (button.dataset.lat) {
    form.lat.value = button.dataset.lat;
    form.lon.value = button.dataset.lon;
    form.datum.value = "wgs84";
    form.accuracy_m.value = button.dataset.accuracy;
    if (map) {
      const { x, y } = ground.drawn(map, Number(button.dataset.lat), Number(button.dataset.lon));
      point(x, y);
    }
  }
  (map || form).scrollIntoView({ block: "nearest" });
  if (map) map.focus({ preventScroll: true });
}

const deeds = {
  ask: async () => {
    if (await gridcrew.send("POST", panel.dataset.ask, {})) location.reload();
  },
  stop: () => gridcrew.send("POST", `/api/v1/geocodings/${panel.dataset.run}/stop`, {}),
  closer: async () => zoom(0.5),
  wider: async () => zoom(2),
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && "choose" in button.dataset) choose(button);
});
gridcrew.deeds(deeds);

if (map) {
  map.addEventListener("click", (event) => {
    const at = ground.clicked(map, event);
    pick(at.x, at.y);
  });
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  map.addEventListener("keydown", (event) => {
    if (event.key === "+" || event.key === "-") zoom(event.key === "+" ? 0.5 : 2);
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const middle = { x: view.x + view.width / 2, y: view.y + (view.width * map.dataset.height) / map.dataset.width / 2 };
    const x = mark.hasAttribute("cx") ? Number(mark.getAttribute("cx")) : middle.x;
    const y = mark.hasAttribute("cy") ? Number(mark.getAttribute("cy")) : middle.y;
    pick(x + (move[0] * view.width) / 100, y + (move[1] * view.width) / 100);
  });
}

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!chosen) return;
    gridcrew.once(form.querySelector("button"), async () => {
      const accuracy = form.accuracy_m.value.trim();
      const body = {
        lat: Number(form.lat.value.trim() || NaN),
        lon: Number(form.lon.value.trim() || NaN),
        datum: form.datum.value,
        accuracy_m: accuracy ? Number(accuracy) : null,
        version: Number(chosen.dataset.version),
      };
      const url = `/api/v1/premises/${encodeURIComponent(chosen.dataset.premises)}/position`;
      if (await gridcrew.send("PUT", url, body)) location.reload();
    });
  });
}
