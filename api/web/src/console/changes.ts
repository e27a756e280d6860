/** What the feed told of and the page has not loaded yet, and how a part of a board is put into the whole. */
import type { Schema } from "../shared/start";
import type { Board } from "./model";

/** What changes no more than the queue and the watch list. */
const ASIDE = new Set<string>(["message", "clock", "request"]);
/** More crews than this are loaded with the whole board. */
const MOST = 20;
/** No crew: the board without any crew's day. */
const NOBODY = "-";

export class Changes {
  #crews = new Set<string>();
  #whole = false;
  any = false;

  /** Something changed; `shown` is the crew that it is shown with. Null: there is no telling what did. */
  add(change: Schema["FeedEvent"] | null, shown: string | null | undefined): void {
    this.any = true;
    if (change === null || (change.subject !== "visit" && !ASIDE.has(change.subject))) this.#whole = true;
    else if (change.subject === "visit") for (const crew of [...change.crews, ...(shown ? [shown] : [])]) this.#crews.add(crew);
  }

  /** The crews whose days have changed since the last time, or null for everything. */
  take(): string[] | null {
    const crews = this.#whole || this.#crews.size > MOST ? null : [...this.#crews, NOBODY];
    this.#crews.clear();
    this.#whole = this.any = false;
    return crews;
  }
}

/** The board with the new days of some crews; null where it is about another plan, and all must be loaded. */
export function patched(board: Board | null, part: Board, crews: readonly string[]): Board | null {
  if (board?.plan?.id !== part.plan?.id || board === null) return null;
  const asked = new Set(crews);
  const fresh = new Map(part.crews.map((row) => [`${row.crew_id} ${row.shift_id}`, row]));
  const old = board.crews.filter((row) => asked.has(row.crew_id));
  if (old.length !== part.crews.length || !old.every((row) => fresh.has(`${row.crew_id} ${row.shift_id}`))) return null;
  return { ...part, crews: board.crews.map((row) => fresh.get(`${row.crew_id} ${row.shift_id}`) ?? row) };
}
