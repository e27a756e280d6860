import { translator } from "../shared/i18n";
import en from "./texts/en";
import zh from "./texts/zh-CN";

export type Key = keyof typeof en;

/** The page's texts by key, in its language. */
export const t = translator<Key>({ en, "zh-CN": zh });
