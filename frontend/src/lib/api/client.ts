/** One way to call the API: session cookie, CSRF header, and every failure as an ApiError with the server's code. */

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

  /** No answer, or one that says "later": the same call may succeed if repeated. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export const UNREACHABLE = "unreachable";
const TIMEOUT_MS = 20_000;

function csrfToken(): string {
  return document.cookie.match(/(?:^|;\s*)(?:__Host-)?csrftoken=([^;]+)/)?.[1] ?? "";
}

async function failure(response: Response): Promise<ApiError> {
  const after = Number(response.headers.get("Retry-After"));
  const retryAfterS = Number.isFinite(after) && after > 0 ? after : null;
  try {
    const body = (await response.json()) as { code?: unknown; detail?: unknown; fields?: Record<string, unknown> };
    if (typeof body.code === "string") {
      return new ApiError(response.status, body.code, String(body.detail ?? ""), retryAfterS, body.fields ?? null);
    }
  } catch {
    // Not our server's shape: a proxy's page, an answer cut short.
  }
  return new ApiError(response.status, `http_${response.status}`, `The server answered ${response.status}.`, retryAfterS);
}

export interface CallOptions {
  /** Gives up early, when the caller no longer wants the answer. */
  signal?: AbortSignal;
  timeoutMs?: number;
}

/** A body that is a form (files) goes as one, every other as JSON. */
export async function callApi<Answer>(method: "GET" | "POST" | "PATCH", path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const isForm = body instanceof FormData;
  if (method !== "GET") {
    if (!isForm) headers["Content-Type"] = "application/json";
    headers["X-CSRFToken"] = csrfToken();
  }
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(`/api/v1/${path}`, {
      method,
      headers,
      credentials: "same-origin",
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
      ...(method === "GET" ? {} : { body: isForm ? body : JSON.stringify(body ?? {}) }),
    });
  } catch {
    options.signal?.throwIfAborted();
    throw new ApiError(0, UNREACHABLE, "We could not reach the server.");
  }
  if (!response.ok) throw await failure(response);
  try {
    return (await response.json()) as Answer;
  } catch {
    throw new ApiError(0, UNREACHABLE, "The server's answer did not arrive whole.");
  }
}
