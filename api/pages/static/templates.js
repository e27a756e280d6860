"use strict";
// The texts of messages: a live preview beside the editor, drafts, versions, test sendings.

const editor = document.getElementById("editor");
const text = document.getElementById("text");
const mistake = document.getElementById("mistake");
const AT_REST_MS = 350;

function written() {
  return { subject: text.elements.subject?.value ?? "", body: text.elements.body.value };
}

/** What is wrong with the text, in the page's language: where, and which placeholder. */
function explained(problem) {
  const { line, placeholder } = problem.details ?? {};
  if (placeholder) return editor.dataset.unknown.replace("{line}", line).replace("{name}", placeholder);
  return line ? `${editor.dataset.wrong.replace("{line}", line)} ${problem.detail}` : gridcrew.worded(problem);
}

let asked = 0;

async function look() {
  const number = ++asked;
  const visit = document.getElementById("visit")?.value.trim();
  const body = JSON.stringify({ ...written(), ...(visit ? { visit_id: visit } : {}) });
  let answer;
  try {
    const headers = { "Content-Type": "application/json" };
    answer = await fetch(`${editor.dataset.at}/preview`, { method: "POST", headers, body, credentials: "same-origin" });
  } catch {
    gridcrew.say(gridcrew.notice.dataset.network);
    return;
  }
  const found = await answer.json();
  if (number !== asked) return; // a later text has been asked for
  mistake.hidden = answer.ok;
  document.getElementById("preview").classList.toggle("stale", !answer.ok);
  if (!answer.ok) {
    mistake.textContent = explained(found);
    return;
  }
  document.getElementById("preview-subject").textContent = found.subject;
  document.getElementById("preview-body").textContent = found.body;
  document.getElementById("preview-sms").textContent =
    found.sms === null ? "" : editor.dataset.sms.replace("{count}", found.sms);
}

if (mistake) {
  let rest;
  const soon = () => {
    clearTimeout(rest);
    rest = setTimeout(look, AT_REST_MS);
  };
  text.addEventListener("input", soon);
  document.getElementById("visit")?.addEventListener("input", soon);
  look();
}

text.addEventListener("submit", (event) => event.preventDefault());
document.getElementById("trial")?.addEventListener("submit", (event) => event.preventDefault());

gridcrew.deeds({
  save: async () => {
    const made = await gridcrew.send("POST", `${editor.dataset.at}/versions`, written());
    if (made) location.assign(`${editor.dataset.page}&version=${made.number}`);
    else await look();
  },
  activate: async () => {
    const number = document.querySelector("[data-do=activate]").dataset.number;
    if (await gridcrew.send("POST", `${editor.dataset.at}/versions/${number}/activate`)) location.assign(editor.dataset.page);
  },
  test: async () => {
    const form = document.getElementById("trial");
    if (!form.reportValidity()) return;
    const { number, channel } = document.querySelector("[data-do=test]").dataset;
    const body = { channel, address: form.elements.address.value };
    const sent = await gridcrew.send("POST", `${editor.dataset.at}/versions/${number}/test`, body);
    document.getElementById("sent").textContent = sent ? editor.dataset.tested.replace("{address}", sent.address) : "";
  },
});
