/** A visit in the hand: where it is held, and what every crew says to it. */
import { api, Problem, taken } from "../shared/client";
import { MINUTE } from "../shared/time";
import { move, putBack } from "./actions";
import { day } from "./day.svelte";
import { BEGUN, type Trial, type Visit } from "./model";
import { coded, t } from "./text";

const STEP = 5 * MINUTE;
/** This near to the best place of a crew it is the best place that is meant. */
const NEAR = 20 * MINUTE;

/** What the trials said, kept while the same plan is shown: the hand often goes to the same visit twice. */
const kept = new Map<string, Promise<Map<string, Trial>>>();

/** The visit on each shift of the plan shown: what it would change there, or why it cannot be there. */
export function trialsOf(visit: string): Promise<Map<string, Trial>> {
  const plan = day.board?.plan;
  if (!plan) return Promise.resolve(new Map());
  const key = `${plan.id} ${plan.version} ${visit} ${day.visit(visit)?.version ?? 0}`;
  let found = kept.get(key);
  if (!found) {
    if (kept.size > 40) kept.clear();
    found = taken(api.GET("/api/v1/plans/{plan_id}/visits/{visit_id}/trials", {
      params: { path: { plan_id: plan.id, visit_id: visit } },
    })).then((rows) => new Map(rows.map((row) => [row.shift_id, row])));
    found.catch(() => kept.delete(key));
    kept.set(key, found);
  }
  return found;
}

class Drag {
  visit = $state.raw<Visit | null>(null);
  from = $state<string | null>(null);
  trials = $state.raw<Map<string, Trial> | null>(null);
  x = $state(0);
  y = $state(0);
  /** How far behind the visit's begin it is held, ms. */
  grip = 0;
  over = $state<string | null>(null);
  overQueue = $state(false);
  /** Where it would begin by the hand alone. */
  pointed = $state(0);

  active = $derived(this.visit !== null);
  trial: Trial | null = $derived(this.over === null ? null : (this.trials?.get(this.over) ?? null));
  /** Why the crew under the hand cannot take it, in words. */
  refusal = $derived.by(() => {
    if (this.over === null || this.trials === null) return "";
    const row = day.rows.find((each) => each.id === this.over);
    if (row?.absent || this.trial === null) return t("move.absent");
    return this.trial.reason === null ? "" : coded("cannot", this.trial.reason);
  });
  /** The begin that a drop means: null is the crew's best place. */
  aim: number | null = $derived.by(() => {
    if (this.over === null) return null;
    const best = this.trial?.start_at ? Date.parse(this.trial.start_at) : null;
    const snapped = Math.round(this.pointed / STEP) * STEP;
    if (this.over !== this.from && best !== null && Math.abs(snapped - best) <= NEAR) return null;
    return snapped;
  });

  /** Whether this visit can be taken in the hand at all. */
  can(visit: Visit): boolean {
    return day.editable && !BEGUN.has(visit.status) && visit.status !== "cancelled";
  }

  begin(visit: Visit, from: string | null, grip: number): void {
    this.visit = visit;
    this.from = from;
    this.grip = grip;
    this.trials = null;
    this.over = null;
    this.overQueue = false;
    trialsOf(visit.id).then(
      (found) => {
        if (this.visit?.id === visit.id) this.trials = found;
      },
      (error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        this.end();
        day.say("bad", error.message);
      },
    );
  }

  end(): void {
    this.visit = null;
    this.from = null;
    this.over = null;
    this.overQueue = false;
    this.trials = null;
  }

  async drop(): Promise<void> {
    const { visit, over, from, aim, overQueue } = this;
    this.end();
    if (!visit) return;
    if (overQueue && from !== null) {
      await putBack(visit.id);
      return;
    }
    if (over === null) return;
    const stop = day.places.get(visit.id)?.stop;
    if (over === from && stop && aim !== null && Math.abs(aim - stop.start) < STEP) return;
    await move(visit.id, over, aim);
  }
}

export const drag = new Drag();
