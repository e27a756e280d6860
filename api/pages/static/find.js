"use strict";
// Finds customers, work, requests or premises, and leads to the page that is about them.

const find = document.getElementById("find");
const hits = document.getElementById("hits");
const NAMED = { customer: "customer", work_order: "order", request: "request", premises: "premises" };

function row(hit) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = `${find.dataset.page}&${NAMED[hit.kind]}=${encodeURIComponent(hit.id)}`;
  link.textContent = `${hit.name || hit.id} · ${hit.id}`;
  link.dataset.found = hit.id;
  item.append(link, " ", hit.phone ?? "");
  return item;
}

find?.addEventListener("submit", (event) => {
  event.preventDefault();
  gridcrew.once(find.querySelector("button"), async () => {
    const found = await gridcrew.send("POST", find.dataset.search, { q: new FormData(find).get("q") });
    if (!found) return;
    const known = found.filter((hit) => find.dataset.kinds.split(" ").includes(hit.kind));
    hits.replaceChildren(...known.map(row));
    if (!known.length) hits.textContent = find.dataset.none;
    hits.hidden = false;
  });
});
