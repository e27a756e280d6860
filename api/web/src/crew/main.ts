import "../shared/theme.css";

import { mount } from "svelte";

import { setProblemTexts } from "../shared/client";
import App from "./App.svelte";
import { t } from "./text";

setProblemTexts({ network: t("problem.network"), unexpected: t("problem.unexpected") });
document.title = `${t("page.title")} · Gridcrew`;
const target = document.getElementById("app");
if (!target) throw new Error("The page has no element #app.");
mount(App, { target });
