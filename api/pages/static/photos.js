"use strict";
// What the form for photographs gains by a script: they are made small before they are sent, shown, added one by one
// and taken away again. Without it the browser's own field sends what was chosen.
(() => {
  const LONGEST = 1600;
  const MOST_BYTES = 900_000;
  const chosen = new WeakMap(); // the files of each field, since a browser forgets the earlier ones when more are chosen

  /** The photograph as it is sent: upright, at most 1600 pixels long; as it was where this browser cannot read it. */
  async function reduced(file) {
    if (file.type === "image/jpeg" && file.size <= MOST_BYTES) return file;
    let picture;
    try {
      picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    } catch {
      return file; // the server says what is wrong with it
    }
    for (let longest = LONGEST; longest >= 400; longest *= 0.75) {
      const blob = await drawn(picture, Math.min(1, longest / Math.max(picture.width, picture.height)));
      const known = { type: "image/jpeg", lastModified: file.lastModified };
      if (blob.size <= MOST_BYTES) return new File([blob], file.name, known);
    }
    return file;
  }

  function drawn(picture, scale) {
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.82));
  }

  /** Puts these files into the field, and shows them below it. */
  function put(input, files) {
    const box = input.closest(".photos");
    const held = new DataTransfer();
    for (const file of files) held.items.add(file);
    input.files = held.files;
    chosen.set(input, files);
    box.querySelector("ul")?.remove();
    if (!files.length) return;
    const list = document.createElement("ul");
    list.append(...files.map((file, index) => shown(input, file, index + 1)));
    input.after(list);
  }

  function shown(input, file, number) {
    const { shown, remove } = input.closest(".photos").dataset;
    const picture = new Image();
    picture.src = URL.createObjectURL(file);
    picture.onload = picture.onerror = () => URL.revokeObjectURL(picture.src);
    picture.alt = shown.replace("{number}", number);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "×";
    button.setAttribute("aria-label", remove.replace("{number}", number));
    button.addEventListener("click", () => {
      put(input, chosen.get(input).filter((one) => one !== file));
      input.focus();
    });
    const item = document.createElement("li");
    item.append(picture, button);
    return item;
  }

  function refusal(text) {
    const wrong = document.createElement("p");
    Object.assign(wrong, { className: "wrong", id: "photos-wrong", role: "alert", textContent: text });
    return wrong;
  }

  document.addEventListener("change", async (event) => {
    const input = event.target;
    if (input.type !== "file" || !input.closest(".photos")) return;
    const box = input.closest(".photos");
    const send = input.form.querySelector("button.primary");
    send.disabled = true; // until the photographs are small enough to be sent
    try {
      const before = chosen.get(input) ?? [];
      const same = (one) => before.some((other) => other.name === one.name && other.lastModified === one.lastModified);
      const files = [...before, ...(await Promise.all([...input.files].filter((one) => !same(one)).map(reduced)))];
      const most = Number(box.dataset.most);
      put(input, files.slice(0, most));
      box.querySelector("#photos-wrong")?.remove();
      input.removeAttribute("aria-invalid");
      if (files.length > most) box.append(refusal(box.dataset.many));
    } finally {
      send.disabled = false;
    }
  });
})();
