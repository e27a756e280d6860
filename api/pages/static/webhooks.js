"use strict";
// Webhooks: add one and show its secret this once; change, pause, test, replay, remove it.

const HOOKS = "/api/v1/webhooks";
const opened = document.getElementById("opened");
const path = opened ? `${HOOKS}/${opened.dataset.webhook}` : "";

function subscriber(form) {
  const given = new FormData(form);
  return {
    url: given.get("url").trim(),
    event_types: given.get("event_types").split(/[\s,，、]+/).filter(Boolean),
    territories: given.getAll("territories"),
    description: given.get("description"),
  };
}

/** Shows a secret; the page goes on only when somebody says that they have kept it. */
function showSecret(made) {
  const box = document.getElementById("secret");
  box.hidden = false;
  document.getElementById("secret-kept").href = `/console/webhooks?webhook=${made.id}`;
  const text = document.getElementById("secret-text");
  text.value = made.secret;
  text.focus();
  text.select();
}

async function anew(work) {
  if (await work) location.reload();
}

const forms = {
  create: async (form) => {
    const made = await gridcrew.send("POST", HOOKS, subscriber(form));
    if (!made) return;
    form.reset();
    showSecret(made);
  },
  change: (form) => anew(gridcrew.send("PATCH", path, subscriber(form), opened.dataset.version)),
  replay: async (form) => {
    const given = new FormData(form);
    const body = { status: given.get("status") || null };
    for (const name of ["begin_at", "end_at"]) body[name] = gridcrew.instant(given.get(name), form.dataset.zone);
    await anew(gridcrew.send("POST", `${path}/replay`, body));
  },
};

const deeds = {
  test: () => anew(gridcrew.send("POST", `${path}/test`, {})),
  disable: () => anew(gridcrew.send("POST", `${path}/disable`, {}, opened.dataset.version)),
  enable: () => anew(gridcrew.send("POST", `${path}/enable`, {}, opened.dataset.version)),
  skip: () => anew(gridcrew.send("POST", `${path}/enable`, { skip_missed: true }, opened.dataset.version)),
  again: (button) => anew(gridcrew.send("POST", `${path}/replay`, { delivery_id: Number(button.dataset.delivery) })),
  renew: async () => {
    const made = await gridcrew.send("POST", `${path}/secret`, {}, opened.dataset.version);
    if (made) showSecret(made);
  },
  remove: async () => {
    if (await gridcrew.send("DELETE", path, undefined, opened.dataset.version)) location.assign("/console/webhooks");
  },
};

document.addEventListener("submit", (event) => {
  const { form } = event.target.dataset;
  if (!form) return;
  event.preventDefault();
  gridcrew.once(event.target.querySelector("button"), () => forms[form](event.target));
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (button) gridcrew.once(button, () => deeds[button.dataset.do](button));
});
