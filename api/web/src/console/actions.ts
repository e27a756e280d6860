/** What a dispatcher does, each one call or two; refusals are told on the page and end in `null`. */
import { api, ifMatch, Problem, taken } from "../shared/client";
import type { Schema } from "../shared/start";
import { dayOf } from "../shared/time";
import { day } from "./day.svelte";
import type { Head } from "./model";
import { coded, t } from "./text";

type Plan = Schema["PlanOut"];

/** Do it, load what it changes of the board (all, unless told otherwise), and tell what was refused. */
export async function attempt<T>(work: () => Promise<T>, said?: string, load = () => day.load()): Promise<T | null> {
  try {
    const made = await work();
    await load();
    if (said) day.say("good", said);
    return made;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    tell(error);
    if (error.code === "board_moved") day.moved = true;
    if (error.status === 409 || error.status === 412) await day.load();
    return null;
  }
}

/** An edit of the plan shown: a new plan. When somebody else edited the same plan meanwhile, both are told of. */
async function edit(work: (plan: Head) => Promise<Plan>, said?: string): Promise<Plan | null> {
  let base: Head | null = null;
  const made = await attempt(async () => {
    base = shown();
    const plan = await work(base);
    day.chosen = base.branch ? plan.id : null;
    return plan;
  }, said, () => day.catchUp());
  if (made && base) conflict(base, made);
  return made;
}

function conflict(base: Head, mine: Plan): void {
  const theirs = day.views.find((plan) => plan.id !== mine.id && plan.status === "proposed" && !plan.branch && !base.branch &&
    (plan.options["edited"] === base.number || plan.number > base.number));
  if (!theirs) return;
  day.say("bad", t("conflict.text", { who: theirs.created_by, theirs: theirs.number, mine: mine.number }), {
    label: t("conflict.show", { number: theirs.number }), run: () => void day.show(theirs.id),
  });
}

/** Open the day that the visit is planned on, and choose it there. */
export async function openVisit(id: string): Promise<void> {
  try {
    const visit = await taken(api.GET("/api/v1/visits/{visit_id}", { params: { path: { visit_id: id } } }));
    day.open(day.territory, visit.planned_start_at ? dayOf(Date.parse(visit.planned_start_at), day.zone) : visit.earliest_day);
    day.select(id);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    day.say("bad", error.message);
  }
}

function tell(problem: Problem): void {
  const reason = problem.more["reason"];
  const because = typeof reason === "string" ? coded("reason", reason) : "";
  const pushed = problem.more["pushed_out"];
  const others = Array.isArray(pushed) ? pushed.map((id) => day.visit(String(id))?.customer_name ?? String(id)) : [];
  const text = others.length ? t("move.pushes", { visits: others.join(t("list.comma")) }) : because || problem.message;
  day.say("bad", problem.code === "does_not_fit" ? `${t("move.refused")} ${text}` : problem.message);
}

function shown(): Head {
  const plan = day.board?.plan;
  if (!plan) throw new Problem(409, "no_plan_yet", t("plan.none"));
  return plan;
}

/** Give the visit to this shift, at this moment or at its best place, and lock it there. */
export function move(visit: string, shift: string, start: number | null): Promise<Plan | null> {
  return edit((plan) =>
    taken(api.POST("/api/v1/plans/{plan_id}/moves", {
      params: { path: { plan_id: plan.id }, header: ifMatch(plan.version) },
      body: {
        visit_id: visit, shift_id: shift, version: plan.version,
        ...(start === null ? {} : { start_at: new Date(start).toISOString() }),
      },
    })));
}

export function putBack(visit: string): Promise<Plan | null> {
  return edit((plan) =>
    taken(api.POST("/api/v1/plans/{plan_id}/put-backs", {
      params: { path: { plan_id: plan.id } }, body: { visit_id: visit, version: plan.version },
    })));
}

export function insert(visit: string, shift: string | null): Promise<Plan | null> {
  return edit((plan) => inserted(visit, plan.id, shift));
}

function inserted(visit: string, plan: number, shift: string | null): Promise<Plan> {
  return taken(api.POST("/api/v1/visits/{visit_id}/insertions", {
    params: { path: { visit_id: visit } },
    body: { plan_id: plan, ...(shift === null ? {} : { shift_id: shift }) },
  }));
}

/** Put the other visit back, or to its new shift, and this one in; when only part of it succeeds, that part is dropped. */
export function insertInstead(visit: string, other: string, shift: string, to: string | null): Promise<Plan | null> {
  return edit(async (plan) => {
    let made = await taken(api.POST("/api/v1/plans/{plan_id}/put-backs", {
      params: { path: { plan_id: plan.id } }, body: { visit_id: other, version: plan.version },
    }));
    try {
      made = await inserted(visit, made.id, shift);
      return to === null ? made : await inserted(other, made.id, to);
    } catch (error) {
      await dropped(made);
      throw error;
    }
  });
}

export function lock(visit: string, version: number, crew: boolean, time: boolean): Promise<Schema["VisitOut"] | null> {
  return attempt(() => taken(api.PUT("/api/v1/plans/{plan_id}/locks/{visit_id}", {
    params: { path: { plan_id: shown().id, visit_id: visit }, header: ifMatch(version) }, body: { crew, time },
  })));
}

export function unlock(visit: string, version: number): Promise<Schema["VisitOut"] | null> {
  return attempt(() => taken(api.DELETE("/api/v1/visits/{visit_id}/lock", {
    params: { path: { visit_id: visit }, header: ifMatch(version) },
  })));
}

/** Take its lock off, then put it in. */
export async function unlockAndInsert(visit: string, version: number, shift: string): Promise<Plan | null> {
  return (await unlock(visit, version)) ? insert(visit, shift) : null;
}

export function callOff(visit: string, version: number, reason: string): Promise<Schema["VisitOut"] | null> {
  return attempt(() => taken(api.POST("/api/v1/visits/{visit_id}/moves", {
    params: { path: { visit_id: visit } }, body: { action: "cancel", reason: "called_off", note: reason, version },
  })));
}

/** Make several visits of one that waits, of so many minutes each. */
export function split(visit: string, version: number, minutes: number[], inOrder: boolean): Promise<Schema["VisitOut"][] | null> {
  return attempt(() => taken(api.POST("/api/v1/visits/{visit_id}/parts", {
    params: { path: { visit_id: visit }, header: ifMatch(version) },
    body: { parts: minutes.map((each) => ({ minutes: each })), in_order: inOrder, version },
  })), t("split.done"));
}

/** Add urgent work at the premises for the day shown; the number of its visit. */
export function addUrgent(
  premises: Schema["PremisesOut"], workType: string, priority: Schema["Priority"], description: string,
): Promise<string | null> {
  return attempt(async () => {
    const order = await taken(api.POST("/api/v1/work-orders", {
      body: {
        territory_id: premises.territory_id, customer_id: premises.customer_id, premises_id: premises.id,
        work_type: workType, priority, description, earliest_day: day.day,
      },
    }));
    return order.visits[0]?.id ?? null;
  });
}

/** Agree on another window with the customer, then put the visit in. */
export async function agreeAndInsert(visit: string, window: [number, number], shift: string): Promise<Plan | null> {
  const [start, end] = window.map((each) => new Date(each).toISOString()) as [string, string];
  const agreed = await attempt(async () => {
    const params = { path: { visit_id: visit } };
    const standing = (await taken(api.GET("/api/v1/visits/{visit_id}/promises", { params }))).at(-1);
    return taken(api.PUT("/api/v1/visits/{visit_id}/promises/standing", {
      params: { ...params, header: ifMatch(standing?.version ?? 1) }, body: { start_at: start, end_at: end, by: "customer" },
    }));
  });
  return agreed ? insert(visit, shift) : null;
}

export function requestPlan(): Promise<Plan | null> {
  return attempt(() => taken(api.POST("/api/v1/territories/{territory_id}/days/{day}/plans", {
    params: { path: { territory_id: day.territory, day: day.day } }, body: {},
  })));
}

export function stopEarly(plan: number): Promise<Plan | null> {
  return attempt(() => taken(api.POST("/api/v1/plans/{plan_id}/stop", { params: { path: { plan_id: plan } } })));
}

export function renew(): Promise<Plan | null> {
  return attempt(() => {
    const plan = shown();
    return taken(api.POST("/api/v1/plans/{plan_id}/renewals", {
      params: { path: { plan_id: plan.id } }, body: { version: plan.version },
    }));
  });
}

function dropped(plan: { id: number; version: number }): Promise<Plan> {
  return taken(api.POST("/api/v1/plans/{plan_id}/discard", {
    params: { path: { plan_id: plan.id } }, body: { version: plan.version },
  }));
}

/** Drop the draft that is shown. */
export function discard(): Promise<Plan | null> {
  return attempt(async () => {
    const made = await dropped(shown());
    day.chosen = null;
    return made;
  }, t("plan.discarded"));
}

/** Change what keeps the visit from the shift for that day, and put it in there; undone as one. */
export function relax(visit: string, shift: string, change: Schema["RelaxationIn"]["change"]): Promise<Plan | null> {
  return edit((plan) => taken(api.POST("/api/v1/plans/{plan_id}/relaxations", {
    params: { path: { plan_id: plan.id }, header: ifMatch(plan.version) },
    body: { visit_id: visit, shift_id: shift, change, version: plan.version },
  })));
}

/** Take back one's own last edit of the day. */
export function undo(): Promise<Schema["UndoneOut"] | null> {
  return attempt(async () => {
    const done = await taken(api.POST("/api/v1/territories/{territory_id}/days/{day}/undo", {
      params: { path: { territory_id: day.territory, day: day.day } },
    }));
    day.chosen = null;
    const visit = day.visit(done.visit_id);
    day.say("good", t("plan.undone", { what: `${coded("edit", done.kind)}${visit ? ` · ${visit.customer_name}` : ""}` }));
    return done;
  });
}

/** Copy the plan shown into a branch, where edits change nothing until it is merged. */
export function branch(name: string): Promise<Plan | null> {
  return attempt(async () => {
    const made = await taken(api.POST("/api/v1/territories/{territory_id}/days/{day}/branches", {
      params: { path: { territory_id: day.territory, day: day.day } }, body: { name, plan_id: shown().id },
    }));
    day.chosen = made.id;
    return made;
  });
}

export function merge(renewing: boolean): Promise<Plan | null> {
  return attempt(async () => {
    const plan = shown();
    const made = await taken(api.POST("/api/v1/plans/{plan_id}/merge", {
      params: { path: { plan_id: plan.id } }, body: { version: plan.version, renew: renewing },
    }));
    day.chosen = null;
    return made;
  }, t("branch.merged"));
}

export function drop(): Promise<Plan | null> {
  return attempt(async () => {
    const plan = shown();
    const made = await taken(api.POST("/api/v1/plans/{plan_id}/drop", {
      params: { path: { plan_id: plan.id } }, body: { version: plan.version },
    }));
    day.chosen = null;
    return made;
  }, t("branch.dropped"));
}

export function closeDay(): Promise<unknown> {
  return attempt(() => taken(api.POST("/api/v1/territories/{territory_id}/days/{day}/closing", {
    params: { path: { territory_id: day.territory, day: day.day } }, body: { despite: [] },
  })), t("plan.day_closed"));
}
