"use strict";
// The log of messages: send one again, note that one was seen to.

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-message]");
  if (!button) return;
  gridcrew.once(button, async () => {
    const deed = button.dataset.do; // resend, seen-to
    if (await gridcrew.send("POST", `/api/v1/messages/${button.dataset.message}/${deed}`, {})) location.reload();
  });
});
