import { known, language } from "../shared/i18n";
import { start } from "../shared/start";
import { clock } from "../shared/time";
import type { News } from "./store";
import { type Key, t } from "./text";
import en from "./texts/en";

/** The name of something that has one in each language. */
export function said(thing: { zh: string; en: string }): string {
  return language === "en" ? thing.en : thing.zh;
}

/** What a state or an action is called; its code when the page does not know it. */
export function word(kind: "status" | "do", code: string): string {
  const key = `${kind}.${code}`;
  return known(en, key) ? t(key as Key) : code;
}

/** One piece of news as a sentence. */
export function told(news: News, zone: string): string {
  if (news.kind === "conflict") {
    return start.problems[news.code ?? ""] ?? news.detail ?? news.code ?? "";
  }
  const time = [news.from, news.to].filter((at) => at !== undefined).map((at) => clock(at, zone)).join(" – ");
  return t(`news.${news.kind}`, { name: said(news.name), time });
}

/** A length of time that counts down: 12:05, or with hours 1:12:05. */
export function countdown(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
