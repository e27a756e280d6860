"use strict";
// The log of messages: find whom it is about, send one again, note that one was seen to.

const find = document.getElementById("find");
const hits = document.getElementById("hits");
const NAMED = { customer: "customer", work_order: "order", request: "request" };

function row(hit) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = `${find.dataset.page}&${NAMED[hit.kind]}=${encodeURIComponent(hit.id)}`;
  link.textContent = `${hit.name || hit.id} · ${hit.id}`;
  item.append(link, " ", hit.phone ?? "");
  return item;
}

find.addEventListener("submit", (event) => {
  event.preventDefault();
  gridcrew.once(find.querySelector("button"), async () => {
    const found = await gridcrew.send("POST", find.dataset.search, { q: new FormData(find).get("q") });
    if (!found) return;
    const known = found.filter((hit) => NAMED[hit.kind]);
    hits.replaceChildren(...known.map(row));
    if (!known.length) hits.textContent = find.dataset.none;
    hits.hidden = false;
  });
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-message]");
  if (!button) return;
  gridcrew.once(button, async () => {
    const deed = button.dataset.do; // resend, seen-to
    if (await gridcrew.send("POST", `/api/v1/messages/${button.dataset.message}/${deed}`, {})) location.reload();
  });
});
