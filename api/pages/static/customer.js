"use strict";
// What the customers' pages gain by a script: presses without a reload, and a page that follows the day by itself.
// Without it everything works as plain forms. It never presses anything: only a person does.
(() => {
  const main = () => document.getElementById("content");

  /** Shows the main part of the page that was answered with, and says it to those who listen. */
  function show(html, address) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const next = page.getElementById("content");
    if (!next) return false;
    main().replaceWith(document.adoptNode(next));
    document.title = page.title;
    if (address) history.replaceState(null, "", address);
    return true;
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    if (button.hasAttribute("aria-busy")) return; // a double press is one press
    button.setAttribute("aria-busy", "true");
    const files = form.querySelector("input[type=file]")?.files;
    const filled = new FormData(form);
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: files ? filled : new URLSearchParams(filled),
        headers: { Accept: "text/html" },
      });
      if (!show(await answer.text(), answer.redirected ? answer.url : null)) throw new Error("no page");
      giveAgain(files);
      scrollTo({ top: 0 });
      main().focus({ preventScroll: true });
      follow();
    } catch {
      button.removeAttribute("aria-busy");
      HTMLFormElement.prototype.submit.call(form);
    }
  });

  /** Gives the form that is shown again the files that were chosen, unless they are what is wrong. */
  function giveAgain(files) {
    const field = main().querySelector("input[type=file]:not([aria-invalid])");
    if (!field || !files?.length) return;
    field.files = files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  let timer;

  /** Loads the page anew in the background as often as it asks for, unless somebody is writing on it. */
  function follow() {
    clearTimeout(timer);
    const seconds = Number(main().dataset.live ?? 0);
    if (seconds) timer = setTimeout(refresh, seconds * 1000);
  }

  async function refresh() {
    const busy = main().contains(document.activeElement) && document.activeElement !== main();
    const open = main().querySelector("details[open]");
    const written = [...main().querySelectorAll("textarea, input")].some(
      (field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked,
    );
    if (!document.hidden && !busy && !open && !written) {
      try {
        const address = new URL(location.href);
        address.searchParams.delete("said");
        const answer = await fetch(address, { headers: { Accept: "text/html" } });
        if (answer.ok || answer.status === 410) show(await answer.text(), null);
      } catch {
        // the network is away; the next look will do
      }
    }
    follow();
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Number(main().dataset.live ?? 0)) refresh();
  });
  follow();
})();
