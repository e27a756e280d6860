"use strict";
// Alerts: note that one is settled, put a task back.

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-task], button[data-alert]");
  if (!button) return;
  const { task, alert } = button.dataset;
  gridcrew.once(button, async () => {
    const sent = task
      ? gridcrew.send("POST", `/api/v1/tasks/${task}/requeue`, {})
      : gridcrew.send("POST", "/api/v1/alerts/settle", { key: alert });
    if (await sent) location.reload();
  });
});
