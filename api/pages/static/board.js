"use strict";
// The board's buttons: plan, follow the run, publish with the list of who is told, insert, close the day.

const panel = document.getElementById("plan");
const dialog = document.getElementById("publish");
const text = document.documentElement.lang;

function element(name, className, content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (content !== undefined) made.textContent = content;
  return made;
}

// Following a run: the cost falls until there is a proposal.

const costs = [];

function showProgress(plan) {
  const { total, served, seconds } = plan.progress;
  if (total === undefined) return;
  document.getElementById("cost").textContent = total.toLocaleString(text);
  document.getElementById("served").textContent = served ?? "–";
  gridcrew.filled(seconds, plan.options.seconds);
  costs.push(total);
  const most = Math.max(...costs);
  const least = Math.min(...costs);
  const points = costs.map((cost, place) => {
    const x = costs.length > 1 ? (100 * place) / (costs.length - 1) : 0;
    const y = most > least ? 28 - (26 * (cost - least)) / (most - least) : 15;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  document.querySelector("#fall polyline").setAttribute("points", points.join(" "));
}

if (panel.dataset.waiting) {
  gridcrew.follow(`/api/v1/plans/${panel.dataset.waiting}`, ["draft", "solving"], showProgress);
}

// Publishing: first exactly who is told what, then the button.

const clock = (instant) =>
  instant
    ? new Intl.DateTimeFormat(text, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: panel.dataset.zone }).format(new Date(instant))
    : "";

function crewName(id) {
  const row = document.querySelector(`[data-crew-id="${CSS.escape(id)}"]`);
  return row ? row.dataset.crewName : id;
}

function toldLine(line) {
  const item = element("li");
  const first = element("div", "line");
  first.append(element("strong", "", line.customer));
  first.append(element("span", "chip" + (line.is_reached ? " good" : ""), line.is_reached ? dialog.dataset.told : dialog.dataset.notTold));
  const was = line.was_start_at ? `${clock(line.was_start_at)} ${crewName(line.was_crew_id)}` : "";
  const will = line.start_at ? `${clock(line.start_at)} ${crewName(line.crew_id)}` : "";
  const change = [was, will].filter(Boolean).join(" → ");
  item.append(first, element("div", "soft", `${dialog.dataset[line.change]} · ${change} · ${line.visit_id}`));
  return item;
}

async function preview() {
  const list = document.getElementById("told");
  const count = document.getElementById("told-count");
  const button = dialog.querySelector('[data-do="publish"]');
  list.replaceChildren();
  count.textContent = dialog.dataset.loading;
  button.disabled = true;
  dialog.showModal();
  const found = await gridcrew.send("GET", `/api/v1/plans/${panel.dataset.plan}/publication`);
  if (!found) {
    dialog.close();
    const renew = panel.querySelector('[data-do="renew"]');
    if (renew) renew.hidden = !["board_moved", "lock_broken"].includes(gridcrew.refusal);
    return;
  }
  list.replaceChildren(...found.told.map(toldLine));
  const reached = found.told.filter((line) => line.is_reached).length;
  count.textContent = found.told.length
    ? `${dialog.dataset.told} ${reached} · ${dialog.dataset.notTold} ${found.told.length - reached}`
    : dialog.dataset.nobody;
  button.disabled = false;
}

// Inserting a visit that waits.

async function showPlaces(box, button) {
  const visit = box.dataset.places;
  const plan = panel.dataset.plan ? `&plan_id=${panel.dataset.plan}` : "";
  const found = await gridcrew.send("GET", `/api/v1/visits/${encodeURIComponent(visit)}/places?day=${panel.dataset.day}${plan}`);
  if (!found) return;
  const rows = found.map((place) => {
    const row = element("div", "line");
    const choose = element("button", "", panel.dataset.choose);
    choose.type = "button";
    choose.addEventListener("click", () =>
      gridcrew.once(choose, async () => {
        const body = { plan_id: Number(panel.dataset.plan), shift_id: place.shift_id };
        if (await gridcrew.send("POST", `/api/v1/visits/${encodeURIComponent(visit)}/insertions`, body)) location.reload();
      })
    );
    const moved = place.displaced.length ? ` · ${place.displaced.map((other) => other.visit_id).join(", ")}` : "";
    row.append(element("span", "", `${crewName(place.crew_id)} · ${clock(place.start_at)} · ${panel.dataset.behind.replace("#", place.position)} · ${place.cost > 0 ? "+" : ""}${place.cost.toLocaleString(text)}${moved}`), choose);
    return row;
  });
  button.remove();
  box.replaceChildren(...(rows.length ? rows : [element("p", "soft", panel.dataset.fitsNowhere)]));
}

// Parts that the server writes: why a visit is where it is, and a draft beside the plan in force.

async function fill(box, url) {
  const part = await gridcrew.asked("GET", url);
  if (part !== null) box.innerHTML = part; // our own page's part, every value in it escaped
  return part !== null;
}

const comparison = document.getElementById("comparison");
if (comparison) fill(comparison.querySelector(".inside"), comparison.dataset.fragment);

async function explain(button) {
  const row = button.closest("tr");
  const open = button.getAttribute("aria-expanded") === "true";
  if (open) {
    (row ? row.nextElementSibling : button.nextElementSibling).remove();
  } else {
    const box = element(row ? "td" : "div");
    if (row) box.colSpan = row.cells.length;
    if (!(await fill(box, button.dataset.why))) return;
    if (row) {
      const under = element("tr");
      under.append(box);
      row.after(under);
    } else button.after(box);
  }
  button.setAttribute("aria-expanded", String(!open));
}

/** The version of the plan that the page shows. */
const shown = () => Number(panel.dataset.version);

const insertion = (visit, plan, shift) =>
  gridcrew.send("POST", `/api/v1/visits/${encodeURIComponent(visit)}/insertions`, { plan_id: plan, ...(shift ? { shift_id: shift } : {}) });

const answers = {
  insert: (button, plan) => insertion(button.dataset.insert, plan),
  move: (button, plan) =>
    gridcrew.send("POST", `/api/v1/plans/${plan}/moves`, { visit_id: button.dataset.move, shift_id: button.dataset.shift, version: shown() }),
  unlock: async (button, plan) => {
    const visit = button.dataset.unlock;
    if (!(await gridcrew.send("DELETE", `/api/v1/visits/${encodeURIComponent(visit)}/lock`, undefined, button.dataset.version))) return null;
    return insertion(visit, plan, button.dataset.shift);
  },
  instead: async (button, plan) => {
    const without = await gridcrew.send("POST", `/api/v1/plans/${plan}/put-backs`, { visit_id: button.dataset.instead, version: shown() });
    if (!without) return null;
    const made = await insertion(button.dataset.visit, without.id, button.dataset.shift);
    // Half of it is no use: the plan without the other visit is dropped.
    if (!made) {
      const body = JSON.stringify({ version: without.version });
      await gridcrew.fetched("POST", `/api/v1/plans/${without.id}/discard`, body, { "Content-Type": "application/json" });
    }
    return made;
  },
};

const deeds = {
  request: async () => {
    if (await gridcrew.send("POST", panel.dataset.request, {})) location.assign(location.pathname + location.search.replace(/([?&])show=[^&]*/, "$1"));
  },
  stop: () => gridcrew.send("POST", `/api/v1/plans/${panel.dataset.waiting}/stop`, {}),
  discard: async () => {
    const body = { version: shown() };
    if (await gridcrew.send("POST", `/api/v1/plans/${panel.dataset.plan}/discard`, body)) location.reload();
  },
  renew: async () => {
    if (await gridcrew.send("POST", `/api/v1/plans/${panel.dataset.plan}/renewals`, { version: shown() })) location.reload();
  },
  preview,
  cancel: async () => dialog.close(),
  publish: async () => {
    const body = { version: shown() };
    const done = await gridcrew.send("POST", `/api/v1/plans/${panel.dataset.plan}/publish`, body);
    dialog.close();
    if (done) location.reload();
  },
};

gridcrew.deeds(deeds);

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.why) gridcrew.once(button, () => explain(button));
  const asked = Object.keys(answers).find((name) => button.dataset[name]);
  if (asked && button.closest(".why")) {
    gridcrew.once(button, async () => {
      if (await answers[asked](button, Number(panel.dataset.plan))) location.assign(location.pathname + location.search.replace(/([?&])show=[^&]*/, "$1"));
    });
  }
  const box = button.closest("[data-places]");
  if (box && !button.closest(".line")) gridcrew.once(button, () => showPlaces(box, button));
  if (button.dataset.closeDay && confirm(button.dataset.sure)) {
    gridcrew.once(button, async () => {
      if (await gridcrew.send("POST", button.dataset.closeDay, {})) location.reload();
    });
  }
});
