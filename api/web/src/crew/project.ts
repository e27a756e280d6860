import type { Day, Queued, Stop, WaitingAction } from "./store";

/** A stop as it will be once the server has taken what waits; `waits` says that something does. */
export interface Seen extends Stop {
  waits: boolean;
}

export interface SeenDay extends Omit<Day, "stops"> {
  stops: Seen[];
}

const BUSY = ["en_route", "arrived", "working"];
const OPEN = ["published", "dispatched", "accepted", "paused", ...BUSY];
const FORWARD = ["accept", "en_route", "arrived", "start", "resume", "done"];
const NEEDS_FREE_CREW = ["en_route", "resume"];
const WATCHED_FROM = ["arrived", "start", "resume"];
const WATCHED_UNTIL = ["pause", "done", "not_done"];

export const isOpen = (stop: { status: string }) => OPEN.includes(stop.status);
export const isOver = (stop: { status: string }) => ["done", "not_done", "cancelled"].includes(stop.status);

/** The day with everything done to it that the server does not know yet: what the crew sees without a network. */
export function project(day: Day, queue: Queued[]): SeenDay {
  const mine = queue.filter((item) => item.crew === day.crew_id);
  const alone = new Set(day.shifts.filter((shift) => shift.members.length === 1).map((shift) => shift.id));
  const stops = day.stops.map((stop): Seen => ({ ...stop, waits: false }));
  const stock = { ...day.stock };
  for (const item of mine) {
    if (item.kind !== "action") continue;
    const stop = stops.find((one) => one.visit_id === item.body.visit_id);
    if (stop) apply(day, stop, item, alone.size > 0);
    if (item.body.action === "done") use(stock, item);
  }
  const busy = stops.find((stop) => BUSY.includes(stop.status));
  for (const stop of stops) {
    const actions = Object.keys(day.moves[stop.status] ?? {});
    const free = !busy || busy === stop;
    stop.allowed = actions.filter((action) => free || !NEEDS_FREE_CREW.includes(action));
    stop.next = FORWARD.find((action) => stop.allowed.includes(action)) ?? null;
  }
  const shown = stops.filter((stop) => stop.status !== "planned");
  const open = shown.filter(isOpen);
  const needed: Record<string, number> = {};
  for (const stop of open) {
    for (const [part, count] of Object.entries(stop.parts)) needed[part] = (needed[part] ?? 0) + count;
  }
  return {
    ...day,
    shifts: day.shifts.map((shift) => ({ ...shift, status: reported(shift, mine) })),
    stops: shown,
    next_visit_id: (busy ?? open[0])?.visit_id ?? null,
    parts_to_take: needed,
    stock,
  };
}

function apply(day: Day, stop: Seen, item: WaitingAction, alone: boolean): void {
  const { action } = item.body;
  stop.waits ||= !item.sent;
  if (action === "check_in" || WATCHED_FROM.includes(action)) watch(stop, item, alone);
  if (WATCHED_UNTIL.includes(action)) stop.check_in = null;
  const target = day.moves[stop.status]?.[action];
  if (!target) return; // the check-in, and what the server will refuse by name
  stop.status = target as Stop["status"];
  if (action === "arrived") stop.arrived_at = item.at;
  if (action === "start") stop.started_at = item.at;
  if (action === "done" || action === "not_done") stop.finished_at = item.at;
  if (item.body.reason) stop.reason = item.body.reason;
  if (item.body.note) stop.note = item.body.note;
  stop.late_s = 0;
}

function watch(stop: Seen, item: WaitingAction, alone: boolean): void {
  const every = stop.check_in?.every_s ?? (alone && item.body.action !== "check_in" ? stop.check_in_s : 0);
  if (!every) return;
  const due = new Date(new Date(item.at).getTime() + every * 1000).toISOString();
  stop.check_in = { every_s: every, due_at: due, missed_at: null };
}

function use(stock: Record<string, number>, item: WaitingAction): void {
  const parts = (item.body.data as { parts?: Record<string, number> } | undefined)?.parts ?? {};
  for (const [part, count] of Object.entries(parts)) {
    if (part in stock) stock[part] = Math.max(0, (stock[part] ?? 0) - count);
  }
}

function reported(shift: Day["shifts"][number], mine: Queued[]): Day["shifts"][number]["status"] {
  const last = mine.findLast((item) => item.kind === "report" && item.shift === shift.id);
  if (last?.kind !== "report") return shift.status;
  return last.report === "report_on_duty" ? "on_duty" : "off_duty";
}
