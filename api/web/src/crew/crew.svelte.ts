import { api, content, Problem } from "../shared/client";
import type { Schema } from "../shared/start";
import { differences } from "./differences";
import { CrewPosition } from "./position.svelte";
import { project, type SeenDay } from "./project";
import { type Action, type Day, type News, type Queued, store } from "./store";
import { flush, type Sent } from "./sync";

const FIRST_WAIT = 3_000;
const LONGEST_WAIT = 60_000;
const LOOKS_EVERY = 60_000;

export type Network = "unknown" | "good" | "away" | "busy" | "signed_out";
type ActionMore = Partial<Pick<Schema["CrewActionIn"], "reason" | "note" | "data">>;

/** A picture that goes before the action that names it. */
export interface Picture {
  id: string;
  kind: "photo" | "signature";
  content: Blob;
}

/** A crew's day on this telephone: what the server said last, what waits to be sent, and what a person must be told. */
export class CrewDay {
  server = $state.raw<Day>();
  seenAt = $state("");
  queue = $state.raw<Queued[]>([]);
  news = $state.raw<News[]>([]);
  network = $state<Network>("unknown");
  busy = $state(false);
  failed = $state("");
  now = $state(Date.now());

  /** The day as it is once everything that waits has been taken. */
  day = $derived.by<SeenDay | undefined>(() => this.server && project(this.server, this.queue));
  mine = $derived(this.queue.filter((item) => item.crew === this.crew && !item.sent));
  others = $derived([...new Set(this.queue.filter((item) => item.crew !== this.crew && !item.sent).map((item) => item.crew))]);

  readonly position: CrewPosition;

  #lastAt = 0;
  #wait = FIRST_WAIT;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #round: Promise<void> | undefined;
  #again = false;
  #left = false;
  #feed: EventSource | undefined;

  /** `keeps` says that the day is kept on this telephone: it is the crew's own, and no other day was asked for. */
  constructor(
    readonly crew: string,
    readonly chosen: string | null,
    readonly keeps: boolean,
  ) {
    this.position = new CrewPosition(this);
  }

  /** Show what is kept, then send and load; go on doing so whenever there is a reason to. */
  async begin(): Promise<void> {
    if (this.keeps) {
      const kept = await store.day(this.crew);
      if (kept) [this.server, this.seenAt] = [kept.day, kept.seen_at];
      await store.clear(this.crew); // the day of whoever had this telephone before
    }
    await this.#read();
    const look = () => void this.sync();
    addEventListener("online", look);
    addEventListener("offline", () => (this.network = "away"));
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
    setInterval(() => (this.now = Date.now()), 1_000);
    setInterval(() => document.visibilityState === "visible" && look(), LOOKS_EVERY);
    await this.sync();
  }

  /** Queue an action with the time it is, its pictures before it; it is kept before this resolves. */
  async act(visit: string, action: Action, more: ActionMore = {}, pictures: Picture[] = []): Promise<void> {
    const stop = this.server?.stops.find((one) => one.visit_id === visit);
    const name = stop ? { name: { zh: stop.name_zh, en: stop.name_en } } : {};
    const items: Queued[] = pictures.map((picture) => ({
      kind: "picture", crew: this.crew, id: picture.id, at: this.#instant(), visit, picture: picture.kind,
      content: picture.content, ...name,
    }));
    const [id, at] = [crypto.randomUUID(), this.#instant()];
    const body: Schema["CrewActionIn"] = {
      op_id: id, visit_id: visit, action, device_at: at, reason: "", note: "", data: {},
      ...(stop ? { version: stop.version } : {}),
      ...more,
    };
    items.push({ kind: "action", crew: this.crew, id, at, body, ...name });
    await this.#enqueue(items);
  }

  /** Queue the crew's coming on duty or going off. */
  async report(shift: string, report: Schema["ShiftReport"]["action"]): Promise<void> {
    const [id, at] = [crypto.randomUUID(), this.#instant()];
    await this.#enqueue([{ kind: "report", crew: this.crew, id, at, shift, report }]);
  }

  /** A person has read it; it goes from sight when it cannot come back. */
  async dismiss(news: News): Promise<void> {
    await store.forget(news.id);
    this.news = this.news.filter((one) => one.id !== news.id);
  }

  /** Forget the day, for good: what is still being loaded is not kept either. What waits to be sent stays. */
  async leave(): Promise<void> {
    this.#left = true;
    this.position.forget();
    this.#feed?.close();
    await this.#round;
    await store.clear();
  }

  /** Send what waits and load the day; a call during another one makes that go round once more. */
  sync(): Promise<void> {
    if (this.#left) return Promise.resolve();
    if (this.#round) {
      this.#again = true;
      return this.#round;
    }
    this.busy = true;
    this.#round = this.#go().finally(() => {
      this.#round = undefined;
      this.busy = false;
      if (this.#again && !this.#left) {
        this.#again = false;
        void this.sync();
      }
    });
    return this.#round;
  }

  async #go(): Promise<void> {
    clearTimeout(this.#timer);
    if (!navigator.onLine) {
      this.network = "away";
      return;
    }
    let sent: Sent | "good" = await flush(this.crew, () => this.#read());
    if (sent === "all") sent = await this.#load();
    const came = sent === "all" ? "good" : sent;
    this.network = navigator.onLine ? came : "away"; // it may have gone while this was under way
    await this.#read();
    if (this.network === "good") {
      this.#wait = FIRST_WAIT;
      this.#listen();
    } else if (this.network !== "signed_out") {
      this.#timer = setTimeout(() => void this.sync(), this.#wait);
      this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT);
    }
  }

  async #load(): Promise<Sent | "good"> {
    try {
      const day = await content(
        this.chosen
          ? api.GET("/api/v1/crews/{crew_id}/days/{day}", {
              params: { path: { crew_id: this.crew, day: this.chosen } },
            })
          : api.GET("/api/v1/crews/{crew_id}/current-day", { params: { path: { crew_id: this.crew } } }),
      );
      const at = new Date().toISOString();
      const before = this.server;
      if (this.keeps) await store.tell(differences(before, day, at));
      await store.seen({ crew: this.crew, day, seen_at: at }, this.keeps);
      this.queue = await store.waiting();
      [this.server, this.seenAt, this.failed] = [day, at, ""];
      return "good";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 401) return "signed_out";
      if (error.status === 0) return "away";
      this.failed = error.message;
      return "busy";
    }
  }

  async #read(): Promise<void> {
    this.queue = await store.waiting();
    this.news = await store.news(this.crew);
  }

  async #enqueue(items: Queued[]): Promise<void> {
    await store.enqueue(items);
    await this.#read();
    void this.sync();
    void this.position.look(); // whoever has just set out is followed from there, whoever has arrived no more
  }

  /** The time it is, later than every one given before: the server goes by the order of these. */
  #instant(): string {
    const waiting = this.queue.map((item) => Date.parse(item.at));
    this.#lastAt = Math.max(Date.now(), this.#lastAt + 1, ...waiting.map((at) => at + 1));
    return new Date(this.#lastAt).toISOString();
  }

  /** Hear of every change at once while there is a network; the browser comes back to it by itself. */
  #listen(): void {
    if (this.#feed && this.#feed.readyState !== EventSource.CLOSED) return;
    const feed = new EventSource(`/api/v1/crews/${encodeURIComponent(this.crew)}/feed`);
    this.#feed = feed;
    const look = () => void this.sync();
    feed.addEventListener("message", look);
    feed.addEventListener("reset", look);
    feed.addEventListener("end", () => {
      feed.close();
      look();
    });
  }
}
