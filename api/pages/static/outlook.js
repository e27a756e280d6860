"use strict";
// The days ahead: ask for a look, follow its search, stop it.

const panel = document.getElementById("outlook");

function showProgress(run) {
  const { served, seconds } = run.progress;
  if (served === undefined) return;
  document.getElementById("served").textContent = served;
  gridcrew.filled(seconds, run.options.seconds);
}

if (panel.dataset.waiting) {
  gridcrew.follow(`/api/v1/outlooks/${panel.dataset.waiting}`, ["waiting", "searching"], showProgress);
}

const deeds = {
  ask: async () => {
    const body = { days: Number(document.getElementById("days").value) };
    if (await gridcrew.send("POST", panel.dataset.ask, body)) location.reload();
  },
  stop: () => gridcrew.send("POST", `/api/v1/outlooks/${panel.dataset.waiting}/stop`, {}),
};

gridcrew.deeds(deeds);
