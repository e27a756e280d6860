import type { components } from "../../generated/api";

export type Schema = components["schemas"];
export type Language = "zh-CN" | "en";

/** What the server knows when it hands out the page. */
interface Start {
  me: Schema["Me"];
  language: Language;
  /** Refusals by code in the page's language; empty where the API's own words are shown. */
  problems: Record<string, string>;
  /** Where raster tiles come from when the installation has configured a source; `{z}/{x}/{y}` are filled in. */
  tiles: { url: string; attribution: string } | null;
  /** How long a run searches when nobody says otherwise. */
  solve_seconds?: number;
  /** The territory and day that the console was opened on, where the address names them. */
  asked?: { territory: string | null; day: string | null };
  /** The server's moment, and for the console its territories, each with its next day of work and today. */
  now?: string;
  territories?: { id: string; name_zh: string; name_en: string; day: string; today: string }[];
}

const block = document.getElementById("start");
export const start = JSON.parse(block?.textContent ?? "{}") as Start;

/** Whether the signed-in person has the permission, such as `plan:write`. */
export function may(permission: string): boolean {
  return start.me.permissions.includes(permission);
}
