/**
 * Where the crew is, told to the office while it is on its way: only when somebody has switched it on, only on duty,
 * only between setting out and arriving, and only to about a hundred metres. What cannot be sent is kept in memory
 * alone and given up when it is old: this telephone holds no trace of where anybody was.
 */
import { api, content, Problem } from "../shared/client";
import type { Schema } from "../shared/start";
import type { CrewDay } from "./crew.svelte";

/** How often the place is asked for, and how many of them wait at most: the last half hour. */
const EVERY = 30_000;
const MOST = 60;
/** This many are sent at once, the first of a journey alone. */
const BATCH = 2;
/** Thousandths of a degree: some hundred metres. */
const COARSE = 1000;
const COARSE_M = 100;

type Position = Schema["PositionIn"];

export class CrewPosition {
  /** Whether the crew has allowed it; kept on this telephone, off until somebody says so. */
  on = $state(false);
  /** The telephone does not tell the page where it is. */
  denied = $state(false);
  sentAt = $state("");

  #waiting: Position[] = [];
  #isFirst = true;
  #key: string;

  constructor(readonly crew: CrewDay) {
    this.#key = `gridcrew-position-${crew.crew}`;
    this.on = this.isPossible && localStorage.getItem(this.#key) === "on";
    if (this.isPossible) setInterval(() => void this.look(), EVERY);
  }

  /** Only on the crew's own telephone: who looks at its day from the office is elsewhere. */
  get isPossible(): boolean {
    return this.crew.keeps && "geolocation" in navigator;
  }

  /** On duty, and between setting out and arriving. */
  get isDue(): boolean {
    const day = this.crew.day;
    return day !== undefined && day.shifts.some((shift) => shift.status === "on_duty" && !shift.absent) &&
      day.stops.some((stop) => stop.status === "en_route");
  }

  switch(on: boolean): void {
    this.on = on;
    if (on) localStorage.setItem(this.#key, "on");
    else this.forget();
    void this.look();
  }

  /** Give up what waits, and the permission with it. */
  forget(): void {
    this.on = false;
    this.#waiting = [];
    localStorage.removeItem(this.#key);
  }

  /** Ask where this is, if that is anybody's business now, and send what has come together. */
  async look(): Promise<void> {
    if (!this.on || !this.isDue) {
      this.#waiting = [];
      this.#isFirst = true;
      return;
    }
    const found = await this.#here();
    if (!found || !this.on || !this.isDue) return;
    this.#waiting = [...this.#waiting, found].slice(-MOST);
    if (!this.#isFirst && this.#waiting.length < BATCH) return;
    this.#isFirst = false;
    await this.#send();
  }

  #here(): Promise<Position | null> {
    return new Promise((done) => {
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => {
          this.denied = false;
          const coarse = (degrees: number) => Math.round(degrees * COARSE) / COARSE;
          done({
            lat: coarse(coords.latitude), lon: coarse(coords.longitude), device_at: new Date().toISOString(),
            accuracy_m: Math.max(COARSE_M, Math.min(100_000, coords.accuracy)),
          });
        },
        (error) => {
          this.denied = error.code === error.PERMISSION_DENIED;
          done(null);
        },
        { enableHighAccuracy: false, timeout: EVERY },
      );
    });
  }

  async #send(): Promise<void> {
    const sending = this.#waiting;
    try {
      const params = { path: { crew_id: this.crew.crew } };
      await content(api.POST("/api/v1/crews/{crew_id}/positions", { params, body: { positions: sending } }));
      this.sentAt = sending.at(-1)?.device_at ?? "";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 0 || error.status >= 500 || error.status === 429) return; // with the next ones
    }
    this.#waiting = this.#waiting.filter((one) => !sending.includes(one));
  }
}
