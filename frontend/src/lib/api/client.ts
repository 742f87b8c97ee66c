/**
 * Calls the API with session cookie, CSRF header and the page's owner, and turns every failure into an ApiError with the
 * server's code.
 *
 * Proxies and captive portals answer too, with any status and any body. Our server marks its answers (`X-GIZ-API`);
 * any response without the mark is treated as "not reached".
 */

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly retryAfterS: number | null = null,
    readonly fields: Record<string, unknown> | null = null,
  ) {
    super(detail);
    this.name = "ApiError";
  }

  /** No response, one that is not from our server, or one that says "later": the same call may succeed if repeated. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500 || this.code.startsWith(FOREIGN);
  }
}

export const UNREACHABLE = "unreachable";
/** Prefix of the codes for responses that are not from our server. */
const FOREIGN = "http_";
const MARK = "X-GIZ-API";
const OWNER = "X-GIZ-Volunteer";
const TIMEOUT_MS = 20_000;

function csrfToken(): string {
  return document.cookie.match(/(?:^|;\s*)(?:__Host-)?csrftoken=([^;]+)/)?.[1] ?? "";
}

let owner: string | null = null;

/** Sets the volunteer to whom this page belongs; each later request that changes something sends it. */
export function belongTo(volunteer: string | null): void {
  owner = volunteer;
}

async function failure(response: Response): Promise<ApiError> {
  const after = Number(response.headers.get("Retry-After"));
  const retryAfterS = Number.isFinite(after) && after > 0 ? after : null;
  try {
    const body = (await response.json()) as { code?: unknown; detail?: unknown; fields?: Record<string, unknown> };
    if (response.headers.has(MARK) && typeof body.code === "string") {
      return new ApiError(response.status, body.code, String(body.detail ?? ""), retryAfterS, body.fields ?? null);
    }
  } catch {
    // Not our server's format: a proxy's page, or a truncated response.
  }
  return new ApiError(response.status, `${FOREIGN}${response.status}`, `The server answered ${response.status}.`, retryAfterS);
}

const hearers = new Set<() => void>();

/** Calls `hearer` after each successful request. */
export function hearAnswers(hearer: () => void): () => void {
  hearers.add(hearer);
  return () => hearers.delete(hearer);
}

export interface CallOptions {
  /** Aborts the request when the caller no longer needs it. */
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Sent even while the page is being closed; nobody can wait for such a request. */
  keepalive?: boolean;
  /** Whose work this is, if that may differ from the page's current user. */
  owner?: string;
}

/** Form data (files) is sent as a form, any other body as JSON. */
export async function callApi<Answer>(method: "GET" | "POST" | "PATCH", path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const isForm = body instanceof FormData;
  if (method !== "GET") {
    if (!isForm) headers["Content-Type"] = "application/json";
    headers["X-CSRFToken"] = csrfToken();
    const person = options.owner ?? owner;
    if (person !== null) headers[OWNER] = person;
  }
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(`/api/v1/${path}`, {
      method,
      headers,
      credentials: "same-origin",
      keepalive: options.keepalive ?? false,
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
      ...(method === "GET" ? {} : { body: isForm ? body : JSON.stringify(body ?? {}) }),
    });
  } catch {
    options.signal?.throwIfAborted();
    throw new ApiError(0, UNREACHABLE, "We could not reach the server.");
  }
  if (!response.ok) throw await failure(response);
  // Cached GET responses may lack the mark; responses to writes are never cached.
  if (method !== "GET" && !response.headers.has(MARK)) throw new ApiError(0, UNREACHABLE, "The response did not come from this site.");
  for (const hear of hearers) hear();
  try {
    return (await response.json()) as Answer;
  } catch {
    throw new ApiError(0, UNREACHABLE, "The server's response was incomplete.");
  }
}
