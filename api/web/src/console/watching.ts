/** One matter of the watch list, in words, with what a press on it does. */
import { known, named } from "../shared/i18n";
import { may, type Schema } from "../shared/start";
import { clock, moment, span } from "../shared/time";
import type { Day } from "./day.svelte";
import en from "./texts/en";
import { coded, t, type Key } from "./text";

type Matter = Schema["WatchItem"];
export type Deed = "select" | "move" | "places" | "plan";

export interface Item {
  key: string;
  tone: "bad" | "warn" | "info";
  title: string;
  text: string;
  /** A limit that runs, shown as a clock. */
  due: string | null;
  visit: string | null;
  crew: string | null;
  phone: string | null;
  action: string;
  deed: Deed | null;
  /** The page on which it is seen to. */
  href: string | null;
}

const DEEDS: Partial<Record<Matter["action"], Deed>> = {
  move_visit: "move", plan_visit: "places", plan_day: "plan", look_at_visit: "select", call_customer: "select",
};
/** The page of the office that a matter is seen to on, with what one needs to open it. */
const PAGES: Partial<Record<Matter["action"], { permission: string; page: string; asked: (matter: Matter) => Record<string, string | null> }>> = {
  answer_request: { permission: "request:read", page: "requests", asked: (matter) => ({ request: matter.request_id }) },
  make_call: { permission: "order:read", page: "calls", asked: (matter) => ({ call: matter.work_order_id }) },
  see_to_messages: {
    permission: "message:read", page: "messages",
    asked: (matter) => ({ status: "unreached", template: matter.template, message: matter.message_id === null ? null : String(matter.message_id) }),
  },
  requeue_tasks: { permission: "task:read", page: "alerts", asked: () => ({}) },
  see_administrator: { permission: "task:read", page: "alerts", asked: () => ({}) },
};
/** What must be answered by a time. */
const TIMED = new Set<Matter["kind"]>(["clock", "low_score"]);
const LIMITED = new Set<Matter["kind"]>(["late", "risk", "shift_end"]);
const LAGGING = new Set<Matter["kind"]>(["not_set_out", "not_on_duty", "not_moving", "not_started"]);

/** The watch list in words, in the order the server gives it. */
export function itemsOf(day: Day): Item[] {
  return (day.watch?.items ?? []).map((matter, index) => itemOf(day, matter, index));
}

function itemOf(day: Day, matter: Matter, index: number): Item {
  const visit = day.visit(matter.visit_id);
  const crew = day.crewName(matter.crew_id);
  const subject = visit ? `${named(visit)} · ${visit.customer_name}` : (matter.visit_id ?? matter.request_id ?? matter.work_order_id ?? "");
  const parts = [
    matter.kind === "alert" ? "" : crew && !matter.visit_id ? "" : subject,
    crew ? named(crew) : "",
    expected(day, matter),
    matter.kind === "message" && matter.code ? detailOf(matter.code) : "",
    matter.count > 1 ? t("watch.times", { count: matter.count }) : "",
  ];
  return {
    key: `${matter.kind} ${matter.visit_id ?? matter.message_id ?? matter.request_id ?? matter.crew_id ?? (matter.template || matter.code)}${matter.visit_id || matter.crew_id ? "" : index}`,
    tone: matter.is_urgent ? "bad" : matter.kind === "alert" ? "info" : "warn",
    title: titleOf(matter, crew),
    text: parts.filter(Boolean).join(" · "),
    due: LIMITED.has(matter.kind) ? matter.since : TIMED.has(matter.kind) ? matter.about : null,
    visit: matter.visit_id,
    crew: matter.crew_id,
    phone: matter.action === "call_crew" ? (crew?.phone ?? null) : null,
    action: t(`watch.do_${matter.action}`),
    deed: DEEDS[matter.action] ?? (matter.visit_id || matter.crew_id ? "select" : null),
    href: hrefOf(day, matter),
  };
}

function hrefOf(day: Day, matter: Matter): string | null {
  const found = PAGES[matter.action];
  if (!found || !may(found.permission)) return null;
  const asked = new URLSearchParams({ territory: day.territory });
  for (const [name, value] of Object.entries(found.asked(matter))) if (value) asked.set(name, value);
  return `/console/${found.page}?${asked}${matter.message_id === null ? "" : "#opened"}`;
}

function detailOf(code: string): string {
  return known(en, `obstacle.${code}`) ? t(`obstacle.${code}` as Key) : known(en, `watch.code_${code}`) ? t(`watch.code_${code}` as Key) : code;
}

function titleOf(matter: Matter, crew: Schema["CrewRow"] | null): string {
  if (matter.kind === "alert") return matter.text;
  if (matter.kind === "clock") return `${t("watch.clock")} · ${coded("clock", matter.code)}`;
  if (matter.kind === "message") return `${t("watch.message")} · ${coded("message", matter.template)}`;
  if (matter.kind === "not_on_duty" && crew) return `${t("watch.not_on_duty")} · ${named(crew)}`;
  const detail = `watch.code_${matter.code}`;
  return known(en, detail) ? `${t(`watch.${matter.kind}`)} · ${t(detail)}` : t(`watch.${matter.kind}`);
}

/** When what is late will begin, for when somebody waits, or how long a crew is behind. */
function expected(day: Day, matter: Matter): string {
  if (matter.about === null) return "";
  if (matter.kind === "shift_end") return t("watch.until", { time: clock(matter.about, day.zone) });
  if (matter.kind === "customer") return t("watch.promised", { time: moment(matter.about, day.zone) });
  if (LIMITED.has(matter.kind)) return t("watch.expected", { time: clock(matter.about, day.zone) });
  if (LAGGING.has(matter.kind)) {
    return t("watch.behind", { span: span((day.now - Date.parse(matter.about)) / 1000) });
  }
  return "";
}
