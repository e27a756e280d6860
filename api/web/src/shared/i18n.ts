import { type Language, start } from "./start";

export const language: Language = start.language;
export const other: Language = language === "en" ? "zh-CN" : "en";

export type Values = Record<string, string | number>;

/** A function from message keys to the texts of the page's language; `{name}` in a text is filled from `values`. */
export function translator<K extends string>(tables: Record<Language, Record<K, string>>) {
  const table = tables[language];
  return (key: K, values?: Values): string => {
    const text = table[key];
    return values ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : text;
  };
}

/** The key when the table has it: for codes that the API may add to. */
export function known<K extends string>(table: Record<K, string>, key: string): key is K {
  return Object.hasOwn(table, key);
}

/** The name of something that has one in each language. */
export function named(thing: { name_zh: string; name_en: string }): string {
  return language === "en" ? thing.name_en : thing.name_zh;
}

/** The address of this page in the other language. */
export function inOtherLanguage(): string {
  const address = new URL(location.href);
  address.searchParams.set("lang", other);
  return `${address.pathname}${address.search}`;
}
