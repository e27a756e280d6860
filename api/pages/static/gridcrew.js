"use strict";
// What every page needs: sending JSON, showing refusals, signing in and out.

const gridcrew = {
  notice: document.getElementById("notice"),

  say(text) {
    gridcrew.notice.textContent = text;
    gridcrew.notice.hidden = !text;
  },

  /** A refusal in the page's language, else in its own words. */
  worded(problem) {
    const texts = JSON.parse(gridcrew.notice.dataset.problems || "{}");
    const number = problem.details?.error_id;
    const text = texts[problem.code];
    return text ? text + (number ? ` (${number})` : "") : problem.detail;
  },

  /** The code of the last refusal. */
  refusal: undefined,

  /** Keys of writes that no answer has come for: the same one again has the same key, and is done once. */
  unanswered: new Map(),

  /** Does a request as `fetch` does; a write has an Idempotency-Key of its own until it is answered. */
  async fetched(method, url, content, headers = {}) {
    const write = method !== "GET";
    const what = write && typeof content !== "object" ? JSON.stringify([method, url, content, headers]) : null;
    const key = write ? gridcrew.unanswered.get(what) ?? gridcrew.number() : null;
    if (what) gridcrew.unanswered.set(what, key);
    const numbered = write ? { ...headers, "Idempotency-Key": key } : headers;
    const answer = await fetch(url, { method, headers: numbered, body: content, credentials: "same-origin" });
    const undecided = answer.status >= 500 || answer.headers.has("Retry-After");
    if (!undecided) gridcrew.unanswered.delete(what);
    return answer;
  },

  /** The text that a request is answered with; a refusal is shown and gives null. `version`: the one shown. */
  async asked(method, url, body, version) {
    gridcrew.say("");
    for (const field of document.querySelectorAll("main [aria-invalid]")) field.removeAttribute("aria-invalid");
    let answer;
    try {
      const headers = body === undefined ? {} : { "Content-Type": "application/json" };
      if (version !== undefined) headers["If-Match"] = `"${version}"`;
      answer = await gridcrew.fetched(method, url, body === undefined ? undefined : JSON.stringify(body), headers);
    } catch {
      gridcrew.say(gridcrew.notice.dataset.network);
      return null;
    }
    if (answer.status === 401 && !url.includes("/sessions")) {
      location.reload();
      return null;
    }
    const text = await answer.text();
    if (answer.ok) return text;
    const problem = answer.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : {};
    gridcrew.refusal = problem.code;
    gridcrew.say(gridcrew.worded(problem) || gridcrew.notice.dataset.network);
    gridcrew.point(problem.field);
    return null;
  },

  /** Marks the field of this name as the one that is wrong, and leads to it. */
  point(name) {
    const field = name ? document.querySelector(`main [name="${CSS.escape(name)}"]`) : null;
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
  },

  /** Sends JSON and gives the answer's body; a refusal is shown and gives null. */
  async send(method, url, body, version) {
    const text = await gridcrew.asked(method, url, body, version);
    return text === null ? null : text ? JSON.parse(text) : {};
  },

  /** A number for an operation that no other one has. */
  number() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
      byte.toString(16).padStart(2, "0")
    ).join("");
  },

  /** A wall time of a zone, as a form has it, as an instant with its offset. */
  instant(wall, zone) {
    const names = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" });
    const offset = (moment) =>
      names.formatToParts(moment).find((part) => part.type === "timeZoneName").value.slice(3) || "+00:00";
    const near = offset(new Date(`${wall}Z`)); // right but for the hours around a change of the clocks
    return `${wall}:00${offset(new Date(`${wall}${near}`))}`;
  },

  /** Runs `work` with the button out of action, so that a double press is one press. */
  async once(button, work) {
    if (button.disabled) return;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    try {
      await work();
    } finally {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  },

  /** Shows how far the run at `address` is as long as its status is among `underWay`; then the page is loaded anew. */
  async follow(address, underWay, show, every = 700) {
    const run = await gridcrew.send("GET", address);
    if (run && !underWay.includes(run.status)) {
      location.reload();
      return;
    }
    if (run) show(run);
    setTimeout(() => gridcrew.follow(address, underWay, show, every), run ? every : 3000);
  },

  /** Fills the page's progress bar; without an end nothing is known of it. */
  filled(done, of) {
    const bar = document.getElementById("progress");
    if (!of) return;
    bar.max = of;
    bar.value = Math.min(done, of);
  },

  /** Has each button that says `data-do` do what its name stands for. */
  deeds(named) {
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button && named[button.dataset.do]) gridcrew.once(button, named[button.dataset.do]);
    });
  },
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.post) return;
  event.preventDefault();
  gridcrew.once(form.querySelector("button"), async () => {
    const body = Object.fromEntries(new FormData(form));
    if (await gridcrew.send("POST", form.dataset.post, body)) location.assign(form.dataset.then);
  });
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-sign-out]");
  if (!button) return;
  gridcrew.once(button, async () => {
    if (await gridcrew.send("DELETE", "/api/v1/sessions/current")) location.assign("/");
  });
});
