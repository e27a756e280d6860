import { api, content, Problem } from "../shared/client";
import { type Action, type News, type Queued, store, type WaitingAction } from "./store";

const AT_ONCE = 50;

/** What came of sending: all was taken, the network or the server is away, or somebody must sign in again. */
export type Sent = "all" | "away" | "busy" | "signed_out";

/** Send what waits for this crew, in the order of its pressing; refusals become news, and nothing is sent twice in effect. */
export async function flush(crew: string, progress: () => Promise<void>): Promise<Sent> {
  for (;;) {
    const mine = (await store.waiting()).filter((item) => item.crew === crew && !item.sent);
    const [first] = mine;
    if (!first) return "all";
    try {
      if (first.kind === "action") {
        await sendActions(crew, run(mine));
      } else if (first.kind === "picture") {
        await sendPicture(first);
      } else {
        await sendReport(first);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 401) return "signed_out";
      if (error.status === 0) return "away";
      if (error.status >= 500 || error.status === 429 || error.code === "key_in_flight") return "busy";
      await store.settle([], [first], [refused(first, error.code, error.message)]);
    }
    await progress();
  }
}

/** The actions at the head of the queue, up to the next thing of another kind. */
function run(mine: Queued[]): WaitingAction[] {
  const end = mine.findIndex((item) => item.kind !== "action");
  const head = end < 0 ? mine : mine.slice(0, end);
  return head.slice(0, AT_ONCE) as WaitingAction[];
}

async function sendActions(crew: string, items: WaitingAction[]): Promise<void> {
  const outcomes = await content(
    api.POST("/api/v1/crews/{crew_id}/queued-actions", {
      params: { path: { crew_id: crew } },
      body: { actions: items.map((item) => item.body) },
    }),
  );
  const [good, bad, news]: [WaitingAction[], WaitingAction[], News[]] = [[], [], []];
  for (const outcome of outcomes) {
    const item = items.find((one) => one.id === outcome.op_id);
    if (!item) continue;
    (outcome.code ? bad : good).push(item);
    if (outcome.code) news.push(refused(item, outcome.code, outcome.detail ?? ""));
  }
  await store.settle(good, bad, news);
}

async function sendPicture(item: Extract<Queued, { kind: "picture" }>): Promise<void> {
  await content(
    api.PUT("/api/v1/crews/{crew_id}/visits/{visit_id}/attachments/{attachment_id}", {
      params: {
        path: { crew_id: item.crew, visit_id: item.visit, attachment_id: item.id },
        query: { kind: item.picture },
      },
      headers: { "Content-Type": "application/octet-stream" },
      body: item.content as unknown as string,
      bodySerializer: (body) => body,
    }),
  );
  await store.settle([], [item], []); // its bytes need not be kept any longer
}

async function sendReport(item: Extract<Queued, { kind: "report" }>): Promise<void> {
  try {
    await content(
      api.POST("/api/v1/crews/{crew_id}/shifts/{shift_id}/reports", {
        params: { path: { crew_id: item.crew, shift_id: item.shift } },
        body: { action: item.report },
      }),
    );
  } catch (error) {
    // The first answer was lost, or a dispatcher was faster: the shift is where it should be.
    if (!(error instanceof Problem) || error.code !== "illegal_move") throw error;
  }
  await store.settle([item], [], []);
}

function refused(item: Queued, code: string, detail: string): News {
  const visit = item.kind === "action" ? item.body.visit_id : item.kind === "picture" ? item.visit : "";
  const action: Action | "picture" | "report" = item.kind === "action" ? item.body.action : item.kind;
  return {
    id: `refused:${item.id}`,
    crew: item.crew,
    kind: "conflict",
    visit,
    name: item.name ?? { zh: visit, en: visit },
    at: item.at,
    action,
    code,
    detail,
  };
}
