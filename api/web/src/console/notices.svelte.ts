/** What the page says in passing: what was done, refused or found. */
export interface Notice {
  id: number;
  kind: "good" | "bad" | "info";
  text: string;
  act?: { label: string; run: () => void };
}

/** How many are shown at once, and how long those that need no answer stay. */
const MOST = 3;
const STAYS = 6000;

export class Notices {
  list = $state<Notice[]>([]);
  #said = 0;

  say(kind: Notice["kind"], text: string, act?: Notice["act"]): void {
    const notice: Notice = { id: ++this.#said, kind, text, ...(act ? { act } : {}) };
    this.list = [...this.list.slice(1 - MOST), notice];
    if (kind !== "bad") setTimeout(() => this.dismiss(notice.id), STAYS);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }
}
