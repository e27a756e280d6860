"use strict";
// Calls: take one, say what came of it, go to the next.

const panel = document.getElementById("calls");
const form = document.getElementById("report");
const offsets = JSON.parse(panel.dataset.offsets);

function show(call) {
  location.assign(call ? `${panel.dataset.page}&call=${encodeURIComponent(call)}` : panel.dataset.page);
}

async function take(call) {
  if (await gridcrew.send("POST", `/api/v1/calls/${call}/claim`, {})) show(call);
}

/** A wall time of the territory as an instant. */
function instant(wall) {
  const offset = offsets[wall.slice(0, 10)];
  return wall ? `${wall}:00${offset ?? "Z"}` : null;
}

/** Shows what belongs to the outcome that is chosen, and has the browser ask for what is needed. */
function adapt() {
  const outcome = new FormData(form).get("outcome");
  for (const part of form.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== outcome;
  for (const field of form.querySelectorAll("[data-needed]")) field.required = outcome === "reached";
  form.elements.call_back_at.required = outcome === "call_back";
}

function report() {
  const given = new FormData(form);
  const outcome = given.get("outcome");
  const body = { outcome, note: given.get("note") };
  if (outcome === "reached") {
    body.answers = {};
    for (const [name, value] of given) {
      if (name.startsWith("answer.") && value.trim()) body.answers[name.slice(7)] = value;
    }
    if (given.get("subject").trim()) {
      body.request = { kind: given.get("kind"), subject: given.get("subject"), text: given.get("text") };
    }
  }
  if (outcome === "call_back") body.call_back_at = instant(given.get("call_back_at"));
  return body;
}

if (form) {
  form.addEventListener("change", adapt);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    gridcrew.once(form.querySelector("button"), async () => {
      if (await gridcrew.send("POST", `/api/v1/calls/${form.dataset.call}/attempts`, report())) show(form.dataset.call);
    });
  });
  adapt();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-call]");
  if (!button) return;
  const call = button.dataset.call;
  const deeds = {
    next: () => take(call),
    take: () => take(call),
    back: async () => {
      if (await gridcrew.send("DELETE", `/api/v1/calls/${call}/claim`)) show(call);
    },
  };
  gridcrew.once(button, deeds[button.dataset.do]);
});
