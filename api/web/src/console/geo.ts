/** What the map draws, as GeoJSON made of what the page has anyway. */
import type { Schema } from "../shared/start";
import type { Row, Waiting } from "./model";

type Collection = GeoJSON.FeatureCollection;

const COLOURS = [
  "#1f77b4", "#e07b00", "#2c9a4b", "#c2363f", "#8a5cc7", "#8f5d4a", "#d457a5", "#6b7680",
  "#9a9a1f", "#12a3b4", "#4458c8", "#b5651d", "#5b8c00", "#a0396e", "#00796b", "#7c6a00",
];

/** The scheme's colours that the map needs, read from the page's variables. */
export function paint(): Record<"sea" | "land" | "road" | "line" | "card" | "bad", string> {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return { sea: of("sea"), land: of("land"), road: of("road"), line: of("line-strong"), card: of("card"), bad: of("bad") };
}

export function groundOf(territory: Schema["TerritoryOut"]): Collection {
  const geometry = territory.boundary as unknown as GeoJSON.Geometry;
  return { type: "FeatureCollection", features: geometry.type ? [{ type: "Feature", geometry, properties: {} }] : [] };
}

export function routesOf(rows: Row[], selected: string | null, crew: string | null): Collection {
  const chosen = crew ?? rows.find((row) => row.stops.some((stop) => stop.visit.id === selected))?.crewId ?? null;
  const features: GeoJSON.Feature[] = [];
  for (const row of rows) {
    const home = [row.crew.lon, row.crew.lat];
    const points = row.stops.flatMap(({ visit }) => (visit.lon === null || visit.lat === null ? [] : [[visit.lon, visit.lat]]));
    if (!points.length) continue;
    const state = chosen === null ? "plain" : row.crewId === chosen ? "chosen" : "other";
    features.push({
      type: "Feature",
      geometry: { type: "LineString", coordinates: [home, ...points, home] },
      properties: { colour: COLOURS[row.colour], state },
    });
  }
  return { type: "FeatureCollection", features };
}

export function spotsOf(rows: Row[], queue: readonly Waiting[], selected: string | null, crew: string | null): Collection {
  const card = paint().card;
  const features: GeoJSON.Feature[] = [];
  const add = (id: string, lon: number, lat: number, colour: string, kind: string, other: boolean) => {
    const state = id === selected ? "selected" : other ? "other" : "plain";
    features.push({ type: "Feature", geometry: { type: "Point", coordinates: [lon, lat] }, properties: { id, colour, kind, state } });
  };
  for (const row of rows) {
    for (const { visit, risk } of row.stops) {
      if (visit.lon === null || visit.lat === null) continue;
      add(visit.id, visit.lon, visit.lat, COLOURS[row.colour] ?? card, risk === "late" ? "late" : "planned", crew !== null && crew !== row.crewId);
    }
  }
  for (const { visit } of queue) {
    if (visit.lon !== null && visit.lat !== null) add(visit.id, visit.lon, visit.lat, card, "waiting", crew !== null);
  }
  return { type: "FeatureCollection", features };
}
