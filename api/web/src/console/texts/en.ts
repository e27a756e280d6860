import shared from "../../shared/texts/en";

export default {
  ...shared,
  "page.title": "Console",
};
