import { type DBSchema, type IDBPDatabase, openDB } from "idb";

import type { Schema } from "../shared/start";

export type Day = Schema["CrewDayOut"];
export type Stop = Schema["StopOut"];
export type Point = Schema["PointOut"];
export type Action = Schema["CrewActionIn"]["action"];

interface Waiting {
  /** The order of the pressing. */
  seq?: number;
  crew: string;
  /** The device's own number of it: sent again, it is the same. */
  id: string;
  /** What the visit was called when it was pressed; by the time it is refused, the visit may be nobody's. */
  name?: { zh: string; en: string };
  at: string;
  /** The server has taken it, and the day that shows it has not come yet. */
  sent?: true;
}

export interface WaitingAction extends Waiting {
  kind: "action";
  body: Schema["CrewActionIn"];
}

export interface WaitingPicture extends Waiting {
  kind: "picture";
  visit: string;
  picture: "photo" | "signature";
  content: Blob;
}

export interface WaitingReport extends Waiting {
  kind: "report";
  shift: string;
  report: Schema["ShiftReport"]["action"];
}

export type Queued = WaitingAction | WaitingPicture | WaitingReport;

/** The answers to a checklist that is being filled in, kept so that a closed page loses nothing. */
export interface Draft {
  visit: string;
  ticks: Record<string, boolean>;
  readings: Record<string, string>;
  checked: Record<string, boolean>;
  photos: Record<string, Blob[]>;
  signatures: Record<string, Blob>;
  codes: Record<string, string>;
  without: Record<string, string>;
  parts: Record<string, number>;
  closing: string;
  note: string;
}

/** What a person must read once: a refusal, or something that the office changed. */
export interface News {
  id: string;
  crew: string;
  kind: "conflict" | "added" | "gone" | "cancelled" | "window" | "moved";
  visit: string;
  name: { zh: string; en: string };
  at: string;
  /** Of a refusal: what was pressed, the code, and the server's words. */
  action?: string;
  code?: string;
  detail?: string;
  /** Of a change: the new window or time. */
  from?: string;
  to?: string;
}

interface Kept {
  crew: string;
  day: Day;
  seen_at: string;
}

interface Shape extends DBSchema {
  days: { key: string; value: Kept };
  queue: { key: number; value: Queued };
  drafts: { key: string; value: Draft };
  news: { key: string; value: News };
}

const NAME = "gridcrew-crew";

let opened: Promise<IDBPDatabase<Shape>> | undefined;

function database(): Promise<IDBPDatabase<Shape>> {
  opened ??= openDB<Shape>(NAME, 1, {
    upgrade(db) {
      db.createObjectStore("days", { keyPath: "crew" });
      db.createObjectStore("queue", { keyPath: "seq", autoIncrement: true });
      db.createObjectStore("drafts", { keyPath: "visit" });
      db.createObjectStore("news", { keyPath: "id" });
    },
  });
  return opened;
}

/** What this telephone keeps. Every write is on the disk when its promise has resolved. */
export const store = {
  async day(crew: string): Promise<Kept | undefined> {
    return (await database()).get("days", crew);
  },
  /** Keep the day as the server has it now, if it is to be kept; what was sent before is in it. */
  async seen(kept: Kept, keeps: boolean): Promise<void> {
    const write = (await database()).transaction(["days", "queue"], "readwrite");
    if (keeps) void write.objectStore("days").put(kept);
    const queue = write.objectStore("queue");
    for (const item of await queue.getAll()) {
      if (item.sent && item.crew === kept.crew) void queue.delete(item.seq as number);
    }
    await write.done;
  },

  /** Everything that waits, the first pressed first, of whatever crew. */
  async waiting(): Promise<Queued[]> {
    return (await database()).getAll("queue");
  },
  /** Put what belongs together into the queue, all of it or nothing. */
  async enqueue(items: Queued[]): Promise<void> {
    const write = (await database()).transaction("queue", "readwrite", { durability: "strict" });
    await Promise.all([...items.map((item) => write.store.add(item)), write.done]);
  },
  /** Note what the server took, drop what it refused, and tell the news of that: all or nothing. */
  async settle(taken: Queued[], refused: Queued[], news: News[]): Promise<void> {
    const write = (await database()).transaction(["queue", "news"], "readwrite");
    const queue = write.objectStore("queue");
    await Promise.all([
      ...taken.map((item) => queue.put({ ...item, sent: true })),
      ...refused.map((item) => queue.delete(item.seq as number)),
      ...news.map((one) => write.objectStore("news").put(one)),
      write.done,
    ]);
  },

  async news(crew: string): Promise<News[]> {
    const all = await (await database()).getAll("news");
    return all.filter((one) => one.crew === crew).sort((a, b) => a.at.localeCompare(b.at));
  },
  async tell(news: News[]): Promise<void> {
    const write = (await database()).transaction("news", "readwrite");
    await Promise.all([...news.map((one) => write.store.put(one)), write.done]);
  },
  async forget(id: string): Promise<void> {
    await (await database()).delete("news", id);
  },

  async draft(visit: string): Promise<Draft | undefined> {
    return (await database()).get("drafts", visit);
  },
  async keepDraft(draft: Draft): Promise<void> {
    await (await database()).put("drafts", draft);
  },
  async dropDraft(visit: string): Promise<void> {
    await (await database()).delete("drafts", visit);
  },

  /** Forget customers' data: what is shown, drafted and told. What waits to be sent stays. */
  async clear(but?: string): Promise<void> {
    const db = await database();
    const write = db.transaction(["days", "drafts", "news"], "readwrite");
    const days = write.objectStore("days");
    for (const key of await days.getAllKeys()) if (key !== but) await days.delete(key);
    if (but === undefined) {
      await write.objectStore("drafts").clear();
      await write.objectStore("news").clear();
    }
    await write.done;
  },
};
