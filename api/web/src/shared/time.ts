import { language } from "./i18n";

export const MINUTE = 60_000;
export const HOUR = 3_600_000;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(name: string, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${name} ${zone}`;
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(language, { ...options, timeZone: zone })));
  return found;
}

/** The local time of day in 24 hours, as rosters write it; a dash when there is none. */
export function clock(instant: number | string | null | undefined, zone: string): string {
  if (instant === null || instant === undefined) return "–";
  return format("clock", zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(instant));
}

/** Day and month and the time of day. */
export function moment(instant: number | string, zone: string): string {
  const options = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  return format("moment", zone, options).format(new Date(instant));
}

/** A local day (`2026-11-26`) with its weekday. */
export function dayName(day: string): string {
  return format("day", "UTC", { weekday: "short", month: "short", day: "numeric" }).format(new Date(`${day}T00:00:00Z`));
}

/** The local day of an instant, as `2026-11-26`. */
export function dayOf(instant: number, zone: string): string {
  const parts = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
  return parts.format(new Date(instant));
}

/** The day so many days later. */
export function plusDays(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** How long, in the largest two units; the sign is the caller's to show. */
export function span(seconds: number): string {
  const minutes = Math.round(Math.abs(seconds) / 60);
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  if (language === "zh-CN") {
    if (days) return `${days} 天 ${hours} 小时`;
    return [hours && `${hours} 小时`, (rest || !hours) && `${rest} 分`].filter(Boolean).join(" ");
  }
  if (days) return `${days} d ${hours} h`;
  return [hours && `${hours} h`, (rest || !hours) && `${rest} min`].filter(Boolean).join(" ");
}

const plain = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(language, { maximumFractionDigits: 1, minimumFractionDigits: 1 });

/** A whole number with the language's separators. */
export function number(value: number): string {
  return plain.format(value);
}

/** A number with one digit after the point. */
export function decimal(value: number): string {
  return tenths.format(value);
}

/** A difference with its sign: +12, −3, 0. */
export function signed(value: number, written: (value: number) => string = number): string {
  const text = written(Math.abs(value));
  return value > 0 ? `+${text}` : value < 0 ? `−${text}` : text;
}
