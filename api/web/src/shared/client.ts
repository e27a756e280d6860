import createClient from "openapi-fetch";

import type { paths } from "../../generated/api";
import { start } from "./start";

/** A refusal or a failure, in the reader's language. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** What else the problem document says, such as `reason` or `pushed_out`. */
    readonly more: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

export interface ProblemTexts {
  network: string;
  unexpected: string;
}

const RETRIES = [400, 1200];
const SAFE = new Set(["GET", "HEAD"]);

// A write carries a key, so that a repeated one is the same write; one that met no answer is repeated with its key.
async function send(request: Request): Promise<Response> {
  if (!SAFE.has(request.method)) {
    request.headers.set("Idempotency-Key", crypto.randomUUID());
    if (!request.headers.has("Content-Type") && request.body === null) request.headers.delete("Content-Type");
  }
  for (const wait of RETRIES) {
    try {
      return await fetch(request.clone());
    } catch (error) {
      if (request.signal.aborted) throw error;
      await new Promise((done) => setTimeout(done, wait));
    }
  }
  return fetch(request);
}

/** Every route of the API with its types; answers are taken with `taken`. */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: send });

/** The header that names the version that was seen. */
export function ifMatch(version: number): { "if-match": string } {
  return { "if-match": `"${version}"` };
}

let texts: ProblemTexts = { network: "The server cannot be reached.", unexpected: "Something went wrong." };

/** Say failures that have no problem document in the page's language. */
export function setProblemTexts(given: ProblemTexts): void {
  texts = given;
}

type Call<T> = Promise<{ data?: T; error?: unknown; response: Response }>;

/** The answer's content. Throws Problem; without a session the page is loaded anew, which asks to sign in. */
export async function taken<T>(call: Call<T>): Promise<T> {
  try {
    return await content(call);
  } catch (error) {
    if (error instanceof Problem && error.status === 401) location.reload();
    throw error;
  }
}

/** The answer's content, for a page that goes on without a session. Throws Problem. */
export async function content<T>(call: Call<T>): Promise<T> {
  let answer;
  try {
    answer = await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "network", texts.network);
  }
  const { data, error, response } = answer;
  if (response.ok) return data as T;
  throw problemOf(response.status, error);
}

function problemOf(status: number, error: unknown): Problem {
  const body = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  const code = typeof body["code"] === "string" ? body["code"] : "unexpected";
  const said = start.problems[code] ?? (typeof body["detail"] === "string" ? body["detail"] : texts.unexpected);
  const details = body["details"];
  return new Problem(status, code, said, typeof details === "object" && details !== null ? { ...details } : {});
}
