import shared from "../../shared/texts/zh-CN";
import type en from "./en";

export default {
  ...shared,
  "page.title": "我的一天",
} satisfies Record<keyof typeof en, string>;
