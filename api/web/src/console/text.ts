import { known, translator } from "../shared/i18n";
import en from "./texts/en";
import zh from "./texts/zh-CN";

export type Key = keyof typeof en;

/** The page's texts by key, in its language. */
export const t = translator<Key>({ en, "zh-CN": zh });

/** The text for a code of the API, such as `coded("reason", "skill")`; a code that is new shows itself. */
export function coded(group: string, code: string): string {
  const key = `${group}.${code}`;
  return known(en, key) ? t(key) : code;
}
