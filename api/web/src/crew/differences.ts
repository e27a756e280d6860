import { isOpen, isOver } from "./project";
import type { Day, News, Stop } from "./store";

const MOVED_BY = 5 * 60_000;

/** What the office changed between two looks at the same day; the crew's own steps are no news. */
export function differences(before: Day | undefined, after: Day, at: string): News[] {
  if (!before || before.day !== after.day || before.crew_id !== after.crew_id) return [];
  const old = new Map(before.stops.map((stop) => [stop.visit_id, stop]));
  const now = new Map(after.stops.map((stop) => [stop.visit_id, stop]));
  const found: News[] = [];
  for (const stop of after.stops) {
    const news = changed(old.get(stop.visit_id), stop);
    if (news) found.push({ ...common(after, stop, at), ...news });
  }
  for (const stop of before.stops) {
    if (!now.has(stop.visit_id) && isOpen(stop)) found.push({ ...common(after, stop, at), kind: "gone" });
  }
  return found;
}

function common(day: Day, stop: Stop, at: string): Omit<News, "kind"> {
  return {
    id: `${stop.visit_id}:${stop.version}:${at}`,
    crew: day.crew_id,
    visit: stop.visit_id,
    name: { zh: stop.name_zh, en: stop.name_en },
    at,
  };
}

function changed(before: Stop | undefined, stop: Stop): Pick<News, "kind" | "from" | "to"> | undefined {
  if (!before) return isOver(stop) ? undefined : { kind: "added", ...span(stop.planned_start_at) };
  if (stop.status === "cancelled") return before.status === "cancelled" ? undefined : { kind: "cancelled" };
  if (isOver(stop)) return undefined;
  if (stop.window_start_at !== before.window_start_at || stop.window_end_at !== before.window_end_at) {
    return { kind: "window", ...span(stop.window_start_at ?? stop.planned_start_at, stop.window_end_at) };
  }
  if (!before.planned_start_at || !stop.planned_start_at) return undefined;
  const by = Math.abs(Date.parse(stop.planned_start_at) - Date.parse(before.planned_start_at));
  return by >= MOVED_BY ? { kind: "moved", ...span(stop.planned_start_at) } : undefined;
}

function span(from: string | null, to: string | null = null): Pick<News, "from" | "to"> {
  return { ...(from ? { from } : {}), ...(to ? { to } : {}) };
}
