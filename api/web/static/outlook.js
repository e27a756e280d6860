"use strict";
// The days ahead: ask for a look, follow its search, stop it.

const panel = document.getElementById("outlook");

function showProgress(run) {
  const { served, seconds } = run.progress;
  if (served === undefined) return;
  document.getElementById("served").textContent = served;
  const limit = run.options.seconds;
  const bar = document.getElementById("progress");
  if (limit) {
    bar.max = limit;
    bar.value = Math.min(seconds, limit);
  }
}

async function follow() {
  const run = await gridcrew.send("GET", `/api/v1/outlooks/${panel.dataset.waiting}`);
  if (run && run.status !== "waiting" && run.status !== "searching") {
    location.reload();
    return;
  }
  if (run) showProgress(run);
  setTimeout(follow, run ? 700 : 3000);
}

if (panel.dataset.waiting) follow();

const deeds = {
  ask: async () => {
    const body = { days: Number(document.getElementById("days").value) };
    if (await gridcrew.send("POST", panel.dataset.ask, body)) location.reload();
  },
  stop: () => gridcrew.send("POST", `/api/v1/outlooks/${panel.dataset.waiting}/stop`, {}),
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && deeds[button.dataset.do]) gridcrew.once(button, deeds[button.dataset.do]);
});
