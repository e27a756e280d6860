"use strict";
// A crew's buttons. Each press is one numbered operation: sent again after a broken answer, it is still one.

const crew = document.querySelector("[data-crew]").dataset.crew;
const sent = new Map();

async function act(button, visit, version, action, more) {
  await gridcrew.once(button, async () => {
    const key = JSON.stringify([visit, action, more]);
    const pressed = { op_id: gridcrew.number(), visit_id: visit, version, action, device_at: new Date().toISOString(), ...more };
    if (!sent.has(key)) sent.set(key, pressed); // pressed again, it is what was pressed first, at that time
    const body = sent.get(key);
    if (await gridcrew.send("POST", `/api/v1/crews/${encodeURIComponent(crew)}/actions`, body)) {
      location.reload();
    }
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-act]");
  if (button) act(button, button.dataset.visit, Number(button.dataset.version), button.dataset.act, {});
  const report = event.target.closest("button[data-report]");
  if (report) {
    gridcrew.once(report, async () => {
      const url = `/api/v1/crews/${encodeURIComponent(crew)}/shifts/${encodeURIComponent(report.dataset.shift)}/reports`;
      if (await gridcrew.send("POST", url, { action: report.dataset.report })) location.reload();
    });
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.act) return;
  event.preventDefault();
  const content = new FormData(form);
  const more =
    form.dataset.act === "done"
      ? { data: { checklist: content.getAll("checklist"), closing_code: content.get("closing_code") || "" } }
      : { reason: content.get("reason"), note: content.get("note") };
  act(form.querySelector("button"), form.dataset.visit, Number(form.dataset.version), form.dataset.act, more);
});
