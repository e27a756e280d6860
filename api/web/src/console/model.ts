/** The board as the page draws it: instants are milliseconds, rows are shifts. */
import type { Schema } from "../shared/start";
import { HOUR, MINUTE } from "../shared/time";

export type Board = Schema["BoardPage"];
export type Visit = Schema["VisitRow"];
export type Head = Schema["PlanHead"];
export type Waiting = Schema["QueueRow"];
export type Trial = Schema["TrialOut"];

/** How a visit stands against its promise and deadline, as the day is expected to go on. */
export type Risk = Schema["StopRow"]["risk"];

export interface Stop {
  visit: Visit;
  start: number;
  end: number;
  travel: number;
  window: [number, number] | null;
  risk: Risk;
  /** When it is expected to begin as the day goes; null when it has begun or nothing is known. */
  expected: number | null;
  /** How far that lies behind the plan, ms. */
  delay: number;
  /** Whether the plan shown gives it another crew or time than the one in force. */
  changed: boolean;
}

export interface Row {
  id: string;
  /** What is drawn of it, short. */
  sign: string;
  crewId: string;
  crew: Schema["CrewRow"];
  colour: number;
  starts: number;
  ends: number;
  absent: boolean;
  stops: Stop[];
  breaks: [number, number][];
  returns: number | null;
}

export const BEGUN = new Set<string>(["en_route", "arrived", "working", "paused", "done", "not_done"]);
export const OVER = new Set<string>(["done", "not_done", "cancelled"]);
const COLOURS = 16;

export const at = (instant: string): number => Date.parse(instant);
const orNull = (instant: string | null | undefined): number | null => (instant == null ? null : Date.parse(instant));

/** A row for each shift of the day; a row of `before` in which nothing has changed is taken over as it is. */
export function rowsOf(board: Board, before: readonly Row[] = []): Row[] {
  const rows: Row[] = [];
  const known = new Map(before.map((row) => [row.id, row]));
  const isDraft = board.in_force !== null && board.plan?.id !== board.in_force.id;
  for (const crew of board.crews) {
    if (crew.shift_id === null || crew.starts_at === null || crew.ends_at === null) continue;
    const colour = rows.length % COLOURS;
    const old = known.get(crew.shift_id);
    const sign = signOf(crew, isDraft, colour);
    rows.push(old?.sign === sign ? old : {
      id: crew.shift_id,
      sign,
      crewId: crew.crew_id,
      crew,
      colour,
      starts: at(crew.starts_at),
      ends: at(crew.ends_at),
      absent: crew.absent === true,
      stops: stopsOf(crew, isDraft),
      breaks: crew.breaks.map(([from, to]) => [at(String(from)), at(String(to))]),
      returns: orNull(crew.returns_at ?? null),
    });
  }
  return rows;
}

/** What is drawn of a visit, short: its version, and what can change beside it. */
function lookOf(visit: Visit): string {
  return `${visit.id} ${visit.version} ${visit.window_start_at} ${visit.window_end_at} ${visit.lat} ${visit.lon} ${visit.customer_name} ${visit.address}`;
}

/** What is drawn of a crew's day, short: two days with the same sign look the same. */
function signOf(crew: Schema["CrewRow"], isDraft: boolean, colour: number): string {
  let sign = `${colour} ${crew.status} ${crew.absent} ${crew.starts_at} ${crew.ends_at} ${crew.overtime_s} ${crew.travel_s} ${crew.returns_at}`;
  for (const stop of crew.stops) {
    const { visit, start_at, end_at, travel_s, risk, projected_start_at } = stop;
    sign += `|${lookOf(visit)} ${start_at} ${end_at} ${travel_s} ${risk} ${projected_start_at} ${isDraft && isChanged(crew, stop)}`;
  }
  return sign;
}

/** Whether the plan gives the visit another crew or time than the one in force does. */
function isChanged(crew: Schema["CrewRow"], { visit, start_at }: Schema["StopRow"]): boolean {
  const [was, is] = [visit.planned_start_at, start_at];
  return !BEGUN.has(visit.status) &&
    (visit.crew_id !== crew.crew_id || was === null || is === null || (was !== is && at(was) !== at(is)));
}

/** The queue with what has not changed in it taken over as it is. */
export function queueOf(board: Board, before: readonly Waiting[]): Waiting[] {
  const known = new Map(before.map((entry) => [entry.visit.id, entry]));
  return board.queue.map((entry) => {
    const old = known.get(entry.visit.id);
    return old && lookOf(old.visit) === lookOf(entry.visit) && old.reason === entry.reason && old.hint === entry.hint ? old : entry;
  });
}

function stopsOf(crew: Schema["CrewRow"], isDraft: boolean): Stop[] {
  const stops: Stop[] = [];
  for (const stop of crew.stops) {
    if (stop.start_at === null || stop.end_at === null) continue;
    const visit = stop.visit;
    const planned = at(stop.start_at);
    const start = orNull(visit.started_at) ?? planned;
    const end = orNull(visit.finished_at) ?? start + at(stop.end_at) - planned;
    const expected = orNull(stop.projected_start_at);
    stops.push({
      visit,
      start,
      end: Math.max(start + MINUTE, end),
      travel: stop.travel_s * 1000,
      window: visit.window_start_at && visit.window_end_at ? [at(visit.window_start_at), at(visit.window_end_at)] : null,
      risk: visit.status === "cancelled" ? "none" : stop.risk,
      expected: BEGUN.has(visit.status) && visit.started_at ? null : expected,
      delay: expected === null ? 0 : Math.max(0, expected - planned),
      changed: isDraft && isChanged(crew, stop),
    });
  }
  return stops;
}

/** The hours shown: every shift and stop, whole hours, at least eight. */
export function axisOf(board: Board, rows: Row[]): { begins: number; ends: number } {
  const hour = HOUR;
  const opens = at(board.opens_at);
  let first = Infinity, last = -Infinity;
  for (const row of rows) {
    first = Math.min(first, row.starts, row.stops[0]?.start ?? Infinity);
    last = Math.max(last, row.ends, row.returns ?? 0, row.stops.at(-1)?.end ?? -Infinity);
  }
  if (first === Infinity) [first, last] = [opens + 8 * hour, opens + 18 * hour];
  const begins = opens + Math.floor((first - opens) / hour) * hour;
  return { begins, ends: Math.max(begins + 8 * hour, opens + Math.ceil((last - opens) / hour) * hour) };
}

/** Plans that no later draft was made of, the one in force first. */
export function viewsOf(board: Board): Head[] {
  const proposed = board.plans.filter((plan) => plan.status === "proposed");
  const edited = new Set(proposed.map((plan) => `${plan.branch ?? ""} ${String(plan.options["edited"])}`));
  const leaves = proposed.filter(
    (plan) => !edited.has(`${plan.branch ?? ""} ${plan.number}`) && (plan.branch || !board.in_force || plan.number > board.in_force.number),
  );
  return board.in_force ? [board.in_force, ...leaves] : leaves;
}

/** Figures of the header, from the plan's own and from what has happened. */
export interface Figures {
  planned: number;
  leftOut: number;
  done: number;
  late: number;
  risk: number;
  driving: number;
  overtime: number;
  deadlines: [number, number] | null;
  promises: [number, number] | null;
  gap: number | null;
  naive: Record<string, number> | null;
}

/** What the plan's driving times rest on; null where it does not say. */
export function travelTimesOf(board: Board): { source: string; share: number; unreachable: number } | null {
  const times = (board.plan?.figures as Record<string, unknown> | undefined)?.["travel_times"];
  if (typeof times !== "object" || times === null) return null;
  const { source, estimated = 0, pairs = 0, unreachable = 0 } = times as Record<string, number> & { source: string };
  return { source: String(source), share: pairs ? estimated / pairs : 0, unreachable };
}

export function figuresOf(board: Board, rows: Row[]): Figures {
  const figures = (board.plan?.figures ?? {}) as Record<string, unknown>;
  let planned = 0, done = 0, late = 0, risk = 0, driving = 0, overtime = 0;
  for (const row of rows) {
    driving += row.crew.travel_s;
    overtime += row.crew.overtime_s;
    for (const stop of row.stops) {
      planned += 1;
      if (stop.visit.status === "done") done += 1;
      if (stop.risk === "late") late += 1;
      if (stop.risk === "risk") risk += 1;
    }
  }
  const pair = (kept: string, of: string): [number, number] | null =>
    typeof figures[kept] === "number" && typeof figures[of] === "number" ? [figures[kept], figures[of]] : null;
  const naive = figures["naive"];
  return {
    planned, done, late, risk, driving, overtime, leftOut: board.queue.length,
    deadlines: pair("deadlines_kept", "deadlines"),
    promises: pair("promises_planned", "promises"),
    gap: typeof figures["gap"] === "number" ? figures["gap"] : null,
    naive: typeof naive === "object" && naive !== null ? (naive as Record<string, number>) : null,
  };
}
