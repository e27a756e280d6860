/** The line that tells what happens on a day; a lost connection goes on from the last event that came. */
import type { Schema } from "../shared/start";

/** How long after a refused connection it is tried again. */
const RETRY = 5000;

export class Feed {
  #source: EventSource;

  /** Follow the day from `position` on; `heard` is told of each change, with null when there is no telling which. */
  constructor(
    territory: string, day: string, position: number,
    heard: (change: Schema["FeedEvent"] | null) => void,
    told: (live: "live" | "lost") => void,
    refused: () => void,
  ) {
    const source = new EventSource(`/api/v1/territories/${encodeURIComponent(territory)}/days/${day}/feed?after=${position}`);
    source.addEventListener("ready", () => { told("live"); });
    source.addEventListener("message", (event) => heard(JSON.parse(String(event.data)) as Schema["FeedEvent"]));
    source.addEventListener("reset", () => heard(null));
    source.addEventListener("end", () => {
      source.close();
      location.reload(); // the session is over, or may not see this any more: the server says which
    });
    source.onerror = () => {
      told("lost");
      // A refused connection is not taken up by the browser itself.
      if (source.readyState === EventSource.CLOSED) setTimeout(refused, RETRY);
    };
    this.#source = source;
  }

  close(): void {
    this.#source.close();
  }
}
