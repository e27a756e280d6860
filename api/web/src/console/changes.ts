/** What the feed told of and the page has not loaded yet, and how a part of a board is put into the whole. */
import type { Schema } from "../shared/start";
import type { Board } from "./model";

/** What changes no more than the queue and the watch list. */
const ASIDE = new Set<string>(["message", "clock", "request"]);
/** More crews than this are loaded with the whole board. */
const MOST = 20;
/** No crew: the board without any crew's day. */
const NOBODY = "-";
/** What of a plan makes the visits others than they were, besides where they are planned. */
const TAKING_EFFECT = new Set<string>(["plan.published", "plan.active", "plan.closed"]);

/** The crews whose days are loaded; `plans`: and those that differ in the plan that is shown now. */
export interface Part {
  crews: string[];
  plans: boolean;
}

export class Changes {
  #crews = new Set<string>();
  #plans = false;
  #whole = false;
  any = false;

  /** Something changed; `shown` is the crew that it is shown with. Null: there is no telling what did. */
  add(change: Schema["FeedEvent"] | null, shown: string | null | undefined): void {
    this.any = true;
    if (change?.subject === "visit") for (const crew of [...change.crews, ...(shown ? [shown] : [])]) this.#crews.add(crew);
    else if (change?.subject === "plan" && !TAKING_EFFECT.has(change.kind)) this.#plans = true;
    else if (change === null || !ASIDE.has(change.subject)) this.#whole = true;
  }

  /** There is another plan to be shown, by one's own doing. */
  replan(): void {
    this.any = this.#plans = true;
  }

  /** What has changed since the last time, or null for everything. */
  take(): Part | null {
    const part = this.#whole || this.#crews.size > MOST ? null : { crews: [...this.#crews, NOBODY], plans: this.#plans };
    this.#crews.clear();
    this.#whole = this.#plans = this.any = false;
    return part;
  }
}

/**
 * The board with the new days of some crews; null where all must be loaded: it is about another plan, and was not
 * asked for as what differs from `than`, the one that the board shows.
 */
export function patched(board: Board | null, part: Board, crews: readonly string[], than: number | undefined): Board | null {
  if (board === null || (board.plan?.id !== part.plan?.id && board.plan?.id !== than)) return null;
  const asked = new Set(crews);
  const fresh = new Map(part.crews.map((row) => [`${row.crew_id} ${row.shift_id}`, row]));
  const known = new Set(board.crews.map((row) => `${row.crew_id} ${row.shift_id}`));
  const old = board.crews.filter((row) => asked.has(row.crew_id));
  if (![...fresh.keys()].every((row) => known.has(row)) || !old.every((row) => fresh.has(`${row.crew_id} ${row.shift_id}`))) return null;
  return { ...part, crews: board.crews.map((row) => fresh.get(`${row.crew_id} ${row.shift_id}`) ?? row) };
}
