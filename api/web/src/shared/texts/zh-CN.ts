import type en from "./en";

export default {
  "problem.network": "无法连接服务器，未作任何更改。请检查网络后重试。",
  "problem.unexpected": "出现问题，未作任何更改。",
  "action.close": "关闭",
  "action.cancel": "取消",
  "action.retry": "重试",
  "page.sign_out": "退出登录",
  "page.other_language": "English",
  "page.skip": "跳到正文",
} satisfies Record<keyof typeof en, string>;
