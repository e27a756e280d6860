"use strict";
// Requests: answer one, or move it on.

/** Sends a form about the request that is shown, and shows what became of it. */
function sends(form, what, body) {
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    gridcrew.once(form.querySelector("button"), async () => {
      const content = { ...body(new FormData(form)), version: Number(form.dataset.version) };
      if (await gridcrew.send("POST", `/api/v1/requests/${form.dataset.request}/${what}`, content)) location.reload();
    });
  });
}

sends(document.getElementById("answer"), "answer", (given) => ({ text: given.get("text"), resolves: given.has("resolves") }));

const move = document.getElementById("move");
sends(move, "moves", (given) => ({ action: given.get("action"), note: given.get("note"), into: given.get("into")?.trim() || null }));

/** Only a merge asks which request goes on. */
function asks() {
  for (const part of move.querySelectorAll("[data-for]")) {
    const asked = part.dataset.for.split(" ").includes(move.elements.action.value);
    part.hidden = !asked;
    for (const field of part.querySelectorAll("input")) {
      field.disabled = !asked;
      field.required = asked;
    }
  }
}

if (move) {
  move.elements.action.addEventListener("change", asks);
  asks();
}
