import "../shared/theme.css";
import "./crew.css";

import { mount } from "svelte";

import { setProblemTexts } from "../shared/client";
import { start } from "../shared/start";
import App from "./App.svelte";
import { CrewDay } from "./crew.svelte";
import { keepPage } from "./shell";
import { t } from "./text";

setProblemTexts({ network: t("problem.network"), unexpected: t("problem.unexpected") });
document.title = `${t("page.title")} · Gridcrew`;

// `/crew` is one's own crew's day, `/crew/C01` any crew's for the office.
const own = start.me.account.crew_id;
const named = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const chosen = new URLSearchParams(location.search).get("day");
const crew = new CrewDay(named || (own ?? ""), chosen, own !== null && (!named || named === own) && chosen === null);

if (own !== null) keepPage();

const target = document.getElementById("app");
if (!target) throw new Error("The page has no element #app.");
mount(App, { target, props: { crew } });
void crew.begin();
