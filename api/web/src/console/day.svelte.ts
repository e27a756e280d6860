/** The day on the screen: what is loaded, what is selected, and the line that tells of changes. */
import { SvelteMap } from "svelte/reactivity";

import { api, Problem, taken } from "../shared/client";
import { language } from "../shared/i18n";
import { may, start, type Schema } from "../shared/start";
import { dayOf, decimal, HOUR } from "../shared/time";
import { Changes, type Part, patched } from "./changes";
import { Feed } from "./feed";
import { axisOf, type Board, figuresOf, type Head, queueOf, type Row, rowsOf, type Stop, travelTimesOf, viewsOf, type Visit, type Waiting } from "./model";
import { Notices } from "./notices.svelte";
import { t } from "./text";

const MAKING = new Set<string>(["draft", "solving"]);
const IN_FORCE = new Set<string>(["published", "active"]);
/** Changes that come together are loaded together. */
const GATHER = 40;
function offsetOf(now: string | undefined): number {
  return now === undefined ? 0 : Date.parse(now) - Date.now();
}

export class Day {
  territories = start.territories ?? [];
  territory = $state("");
  day = $state("");
  board = $state.raw<Board | null>(null);
  watch = $state.raw<Schema["WatchList"] | null>(null);
  ground = $state.raw<{ territory: Schema["TerritoryOut"]; depots: Schema["DepotOut"][] } | null>(null);
  /** The roads that the map is drawn with; asked for when there is a map. */
  roads = $state.raw<Schema["RoadsOut"] | null>(null);
  /** Where crews were last seen, by crew. */
  positions = $state.raw<ReadonlyMap<string, [number, number]>>(new Map());
  loading = $state(true);
  failed = $state<Problem | null>(null);
  live = $state<"connecting" | "live" | "lost">("connecting");
  /** The plan that a person chose to see; null shows the newest draft, else the plan in force. */
  chosen = $state<number | null>(null);
  selected = $state<string | null>(null);
  crew = $state<string | null>(null);
  now = $state(Date.now() + offsetOf(start.now));
  /** A refusal said that the board has moved since the plan shown was made. */
  moved = $state(false);
  notices = new Notices();
  /** The cost of the run at hand as it falls, by plan. */
  falling = new SvelteMap<number, number[]>();

  #offset = offsetOf(start.now);
  #feed: Feed | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #changed = new Changes();
  #asked = 0;
  #shown = 0;

  isDraft = $derived(this.board?.plan?.status === "proposed");
  happens = $derived(this.board?.plan ? IN_FORCE.has(this.board.plan.status) : false);
  rows = $state.raw<Row[]>([]);
  queue = $state.raw<Waiting[]>([]);
  // What every block of the board is drawn by is of plain values: a new board with the same ones draws nothing anew.
  #axis = $derived(this.board ? axisOf(this.board, this.rows) : { begins: 0, ends: 8 * HOUR });
  #begins = $derived(this.#axis.begins);
  #ends = $derived(this.#axis.ends);
  zone = $derived(this.board?.zone ?? "UTC");
  figures = $derived(this.board ? figuresOf(this.board, this.rows) : null);
  /** What the driving times of the plan shown rest on, in words. */
  travelTimes = $derived.by(() => {
    const times = this.board ? travelTimesOf(this.board) : null;
    if (!times) return "";
    const said = times.source === "estimate" ? t("travel.estimate")
      : times.share > 0 ? t("travel.partly", { percent: decimal(100 * times.share), source: times.source }) : t("travel.roads", { source: times.source });
    return times.unreachable ? `${said} ${t("travel.unreachable", { count: times.unreachable })}` : said;
  });
  /** The run at hand, if one is. */
  making: Head | null = $derived(this.board?.plans.find((plan) => MAKING.has(plan.status)) ?? null);
  /** A newer draft beside the plan in force. */
  draft: Head | null = $derived.by(() => {
    const [board, force] = [this.board, this.board?.in_force];
    return board?.plans.find((plan) => plan.status === "proposed" && !plan.branch && (!force || plan.number > force.number)) ?? null;
  });
  failure: Head | null = $derived.by(() => {
    const newest = this.board?.plans[0];
    return newest?.status === "closed" && newest.error ? newest : null;
  });
  /** Every plan that can be looked at: the one in force, the drafts nothing was made of yet, the branches' heads. */
  views: Head[] = $derived(this.board ? viewsOf(this.board) : []);
  /** Edits begin from what is newest: not from a plan in force that a draft stands beside. */
  editable = $derived(this.board?.plan ? this.isDraft || (this.happens && this.draft === null) : false);

  /** Where each visit is: its row and stop. */
  places = $derived.by(() => {
    const found = new Map<string, { row: Row; stop: Stop }>();
    for (const row of this.rows) for (const stop of row.stops) found.set(stop.visit.id, { row, stop });
    return found;
  });
  waiting = $derived(new Map<string, Waiting>(this.queue.map((entry) => [entry.visit.id, entry])));

  /** The local day it is in the territory. */
  get today(): string {
    return dayOf(this.now, this.zone);
  }

  /** The first and the last hour that the board shows. */
  get axis(): { begins: number; ends: number } {
    return { begins: this.#begins, ends: this.#ends };
  }

  /** A visit of the day by its id, on a route or waiting. */
  visit(id: string | null): Visit | null {
    if (id === null) return null;
    return this.places.get(id)?.stop.visit ?? this.waiting.get(id)?.visit ?? null;
  }

  crewName(id: string | null | undefined): Schema["CrewRow"] | null {
    return this.board?.crews.find((crew) => crew.crew_id === id) ?? null;
  }

  /** Open a territory's day: load it and follow it from there. */
  open(territory: string, day: string): void {
    const moved = territory !== this.territory;
    this.territory = territory;
    this.day = day;
    this.board = null;
    this.rows = [];
    this.queue = [];
    this.watch = null;
    this.selected = null;
    this.crew = null;
    this.chosen = null;
    this.loading = true;
    this.live = "connecting";
    this.#feed?.close();
    this.#feed = null;
    const address = new URL(location.href);
    address.searchParams.set("territory", territory);
    address.searchParams.set("day", day);
    history.replaceState(null, "", address);
    if (moved) void this.#loadGround();
    void this.load();
  }

  /** Load the board and the watch list; the newest answer stands, whatever order they come in. */
  load(): Promise<void> {
    return this.#take(null);
  }

  /** Load what one's own edit changes: the crews whose day is another on the plan that it made. */
  catchUp(): Promise<void> {
    this.#changed.replan();
    return this.#take(this.#changed.take());
  }

  // `part`: what alone has changed; null loads everything.
  async #take(part: Part | null): Promise<void> {
    const mine = ++this.#asked;
    const than = part?.plans ? this.board?.plan?.id : undefined;
    const path = { territory_id: this.territory, day: this.day };
    const isOpen = () => path.day === this.day && path.territory_id === this.territory;
    const shown = this.chosen === null ? { draft: true } : { plan_id: this.chosen };
    try {
      const [board, watch] = await Promise.all([
        taken(api.GET("/api/v1/territories/{territory_id}/days/{day}/board", {
          params: { path, query: { hints: language, ...shown, ...(part === null ? {} : { crew: part.crews }), ...(than === undefined ? {} : { than }) } },
        })),
        this.#listed(path.territory_id),
      ]);
      if (mine < this.#shown || !isOpen()) return;
      const whole = part === null ? board : patched(this.board, board, part.crews, than);
      if (whole === null) {
        await this.load();
        return;
      }
      this.#shown = mine;
      this.#show(whole, watch);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (mine > this.#shown && isOpen()) this.failed = error;
    } finally {
      if (mine === this.#asked) this.loading = false;
    }
  }

  #show(board: Board, watch: Schema["WatchList"] | null): void {
    if (board.plan?.id !== this.board?.plan?.id) this.moved = false;
    this.rows = rowsOf(board, this.rows);
    this.queue = queueOf(board, this.queue);
    this.board = board;
    this.watch = watch;
    this.failed = null;
    if (this.#feed === null) {
      this.#follow(board.position);
      void this.locate();
    }
    this.#keepUp(board);
  }

  async #listed(territory: string): Promise<Schema["WatchList"] | null> {
    if (!may("clock:read")) return null;
    return taken(api.GET("/api/v1/territories/{territory_id}/watch-list", { params: { path: { territory_id: territory }, query: { language } } }));
  }

  /** Show this plan of the day, or with null what is newest. */
  show(plan: number | null): Promise<void> {
    this.chosen = plan;
    return this.load();
  }

  // A chosen plan goes on being it: the branch's next one after an edit; what was dropped or published is left.
  #keepUp(board: Board): void {
    const plan = board.plan;
    if (this.chosen === null || plan?.id !== this.chosen) return;
    if (plan.branch) {
      const head = board.plans.find((other) => other.branch === plan.branch && other.status === "proposed");
      if (head?.id !== plan.id) void this.show(head?.id ?? null);
    } else if (plan.status === "closed" || plan.status === "superseded") void this.show(null);
  }

  // A change is loaded soon after it is told; those that come together, or while an answer is awaited, in one go.
  #heard(change: Schema["FeedEvent"] | null): void {
    this.#changed.add(change, change && this.places.get(change.id)?.row.crewId);
    this.#timer ??= setTimeout(() => void this.#catchUp(), GATHER);
  }

  async #catchUp(): Promise<void> {
    await this.#take(this.#changed.take());
    this.#timer = undefined;
    if (this.#changed.any) this.#timer = setTimeout(() => void this.#catchUp(), GATHER);
  }

  /** Ask where crews are, on the day that it is. */
  async locate(): Promise<void> {
    if (this.day !== this.today || !may("crew_day:read")) {
      if (this.positions.size) this.positions = new Map();
      return;
    }
    try {
      const params = { path: { territory_id: this.territory }, query: { day: this.day, kind: ["crew" as const] } };
      const { features } = await taken(api.GET("/api/v1/territories/{territory_id}/map", { params }));
      this.positions = new Map(features.map((each) => [String(each.properties["id"]), each.geometry["coordinates"] as [number, number]]));
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // the next look may succeed; the line says when the server is away
    }
  }

  /** Let the clock of the page go on. */
  tick(): void {
    this.now = Date.now() + this.#offset;
  }

  select(id: string | null): void {
    this.selected = id;
    if (id !== null) this.crew = null;
  }

  say(...said: Parameters<Notices["say"]>): void {
    this.notices.say(...said);
  }

  async loadRoads(): Promise<void> {
    const territory = this.territory;
    try {
      const roads = await taken(api.GET("/api/v1/territories/{territory_id}/roads", { params: { path: { territory_id: territory } } }));
      if (territory === this.territory) this.roads = roads;
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // a map without roads is a map
    }
  }

  async #loadGround(): Promise<void> {
    const params = { path: { territory_id: this.territory } };
    try {
      const [territory, depots] = await Promise.all([
        taken(api.GET("/api/v1/territories/{territory_id}", { params })),
        taken(api.GET("/api/v1/territories/{territory_id}/depots", { params })),
      ]);
      this.ground = { territory, depots };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.say("bad", error.message);
    }
  }

  #follow(position: number): void {
    const feed: Feed = new Feed(
      this.territory, this.day, position,
      (change) => this.#heard(change),
      (live) => { if (this.#feed === feed) this.live = live; },
      () => {
        if (this.#feed !== feed) return;
        this.#feed = null;
        void this.load();
      },
    );
    this.#feed = feed;
  }
}

export const day = new Day();
