"use strict";
// A customer: keep what they wish, note STOP by telephone and its end, make a link to hand out.

const panel = document.getElementById("customer");
const path = panel ? `/api/v1/customers/${encodeURIComponent(panel.dataset.customer)}` : "";

/** A form's fields; what is empty is `empty`, and a tick is true or false. */
function fields(form, empty) {
  const named = [...form.elements].filter((field) => field.name && field.name !== "channel");
  return Object.fromEntries(
    named.map((field) => [field.name, field.type === "checkbox" ? field.checked : field.value.trim() || empty])
  );
}

function wishes(form) {
  const given = fields(form, null);
  for (const hour of ["earliest_hour", "latest_hour"]) if (given[hour] !== null) given[hour] = Number(given[hour]);
  return {
    ...given,
    nominee_name: given.nominee_name ?? "",
    do_not_contact: given.do_not_contact ?? "",
    channels: new FormData(form).getAll("channel").filter(Boolean),
    stopped: form.dataset.stopped.split(" ").filter(Boolean),
  };
}

/** Sends a form when its button is pressed, and shows the page again as it is then. */
function sends(id, method, url, body) {
  document.getElementById(id)?.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    gridcrew.once(form.querySelector("button"), async () => {
      if (await gridcrew.send(method, url, body(form), form.dataset.version)) location.reload();
    });
  });
}

async function say(what, button) {
  const body = { message_class: button.dataset.class, channel: document.getElementById("said-by").value };
  if (await gridcrew.send("POST", `${path}/contact/${what}`, body)) location.reload();
}

async function link(button) {
  const made = await gridcrew.send("POST", button.dataset.path);
  if (!made) return;
  const shown = document.getElementById("made");
  shown.hidden = false;
  const url = document.getElementById("made-url");
  url.value = made.url;
  url.focus();
  url.select();
}

const deeds = {
  stop: (button) => say("stop", button),
  resume: (button) => say("resume", button),
  link,
  revoke: async () => {
    if (await gridcrew.send("DELETE", `${path}/links`)) location.reload();
  },
  copy: async (button) => {
    await navigator.clipboard.writeText(document.getElementById("made-url").value);
    button.textContent = button.dataset.copied;
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (button) gridcrew.once(button, () => deeds[button.dataset.do](button));
});
sends("wishes", "PUT", `${path}/contact`, wishes);
sends("reach", "PATCH", path, (form) => fields(form, null));
