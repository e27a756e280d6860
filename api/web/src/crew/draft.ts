import type { Draft, Point, Stop } from "./store";
import type { Picture } from "./crew.svelte";

/** A checklist with nothing filled in, and the parts that the work type foresees. */
export function empty(stop: Stop): Draft {
  return {
    visit: stop.visit_id, ticks: {}, readings: {}, checked: {}, photos: {}, signatures: {}, codes: {}, without: {},
    parts: { ...stop.parts }, closing: "", note: "",
  };
}

/** The number that was typed, as people write numbers; null when it is none. */
export function reading(text: string | undefined): number | null {
  const plain = (text ?? "").trim().replace(",", ".");
  if (!/^-?\d+(\.\d+)?$/.test(plain)) return null;
  return Number(plain);
}

/** Whether a reading is what one would expect. */
export function isUsual(point: Point, value: number): boolean {
  return (point.low === null || point.low <= value) && (point.high === null || value <= point.high);
}

/** Whether the point is answered so that the server can take it. */
export function isAnswered(draft: Draft, point: Point): boolean {
  const { code } = point;
  if (point.kind !== "tick" && draft.without[code]) return true;
  if (point.kind === "tick") return draft.ticks[code] === true;
  if (point.kind === "photo") return (draft.photos[code]?.length ?? 0) > 0;
  if (point.kind === "signature") return draft.signatures[code] !== undefined || /^\d{6}$/.test(draft.codes[code] ?? "");
  const value = reading(draft.readings[code]);
  return value !== null && (isUsual(point, value) || draft.checked[code] === true);
}

/** What is sent to finish: the data of the action and the pictures that it names. */
export function proof(stop: Stop, draft: Draft): { data: Record<string, unknown>; pictures: Picture[] } {
  const pictures: Picture[] = [];
  const add = (kind: Picture["kind"], content: Blob) => {
    const id = crypto.randomUUID();
    pictures.push({ id, kind, content });
    return id;
  };
  const checklist: Record<string, unknown> = {};
  for (const point of stop.points) checklist[point.code] = answer(draft, point, add);
  return { data: { checklist, parts: draft.parts, closing_code: draft.closing }, pictures };
}

function answer(draft: Draft, point: Point, add: (kind: Picture["kind"], content: Blob) => string): unknown {
  const { code } = point;
  const without = draft.without[code];
  if (point.kind !== "tick" && without) return { without };
  if (point.kind === "tick") return true;
  if (point.kind === "photo") return (draft.photos[code] ?? []).map((photo) => add("photo", photo));
  if (point.kind === "signature") {
    const signature = draft.signatures[code];
    return signature ? [add("signature", signature)] : { code: draft.codes[code] };
  }
  const value = reading(draft.readings[code]);
  return draft.checked[code] ? { value, checked: true } : value;
}
