export default {
  "problem.network": "The server cannot be reached. Nothing was changed; check the connection and try again.",
  "problem.unexpected": "Something went wrong. Nothing was changed.",
  "action.close": "Close",
  "action.cancel": "Cancel",
  "action.retry": "Try again",
  "page.sign_out": "Sign out",
  "page.other_language": "中文",
  "page.skip": "Skip to the content",
};
