import shared from "../../shared/texts/zh-CN";
import type en from "./en";

export default {
  ...shared,
  "page.title": "调度台",
} satisfies Record<keyof typeof en, string>;
