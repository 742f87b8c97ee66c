/** Votes through a proxy that answers instead of our server, or swallows what it answered: a real server, real requests. */

import "fake-indexeddb/auto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError, belongTo, callApi } from "../api/client";
import { getMe, postVote } from "../api/calls";
import type { VoteBody } from "../api/types";
import { Outbox, type OutboxEvent } from "./outbox";
import { openIndexedStore } from "./store";

type Foreign = readonly [status: number, headers: Record<string, string>, body: string];

const HTML = { "Content-Type": "text/html" };
const JSON_TYPE = { "Content-Type": "application/json" };

/** What stands between a browser and a server says such things; none of them is about the vote. */
const FOREIGN: Record<string, Foreign> = {
  "404 of a router": [404, { "Content-Type": "text/plain" }, "404 page not found"],
  "404 as JSON of somebody else": [404, JSON_TYPE, '{"code": "not_found", "detail": "no route"}'],
  "403 of a firewall": [403, HTML, "<h1>Forbidden</h1>"],
  "403 as JSON of somebody else": [403, JSON_TYPE, '{"code": "permission_denied", "message": "blocked"}'],
  "400 of a proxy": [400, HTML, "<h1>Bad Request</h1>"],
  "401 of a proxy": [401, { ...HTML, "WWW-Authenticate": "Basic" }, "<h1>Who are you?</h1>"],
  "409 of somebody else": [409, JSON_TYPE, '{"code": "already_voted", "detail": "no"}'],
  "413 of a proxy": [413, HTML, "<h1>Request Entity Too Large</h1>"],
  "429 of a proxy": [429, HTML, "<h1>Too Many Requests</h1>"],
  "502": [502, HTML, "<h1>Bad Gateway</h1>"],
  "503": [503, { ...HTML, "Retry-After": "1" }, "<h1>Service Unavailable</h1>"],
  "a captive portal's page": [200, HTML, "<h1>Welcome to our network</h1>"],
  "a captive portal's JSON": [200, JSON_TYPE, '{"status": "please log in"}'],
  "a captive portal's redirect": [302, { Location: "/portal" }, ""],
};

let server: Server;
let stored: Map<string, number>;
let owners: (string | undefined)[];
let script: { foreign: Foreign; isAfterwards: boolean }[];
let databases = 0;

function answer(response: ServerResponse, [status, headers, body]: Foreign): void {
  response.writeHead(status, headers).end(body);
}

async function bodyOf(request: IncomingMessage): Promise<VoteBody> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString() || "{}") as VoteBody;
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === "/portal") return answer(response, FOREIGN["a captive portal's page"] as Foreign);
  const vote = await bodyOf(request);
  const step = script.shift();
  if (step && !step.isAfterwards) return answer(response, step.foreign);
  owners.push(request.headers["x-giz-volunteer"] as string | undefined);
  const times = (stored.get(vote.key) ?? 0) + 1;
  stored.set(vote.key, times);
  if (step) return answer(response, step.foreign);
  const receipt = { key: vote.key, task: vote.task, verdict: "J", inclination_deg: null, created_at: "", undo_until: "", replayed: times > 1 };
  answer(response, [times > 1 ? 200 : 201, { ...JSON_TYPE, "X-GIZ-API": "1" }, JSON.stringify(receipt)]);
}

beforeEach(async () => {
  stored = new Map();
  owners = [];
  script = [];
  server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const realFetch = globalThis.fetch;
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => realFetch(address + path, init));
  vi.stubGlobal("document", { cookie: "csrftoken=secret" });
});

afterEach(async () => {
  vi.unstubAllGlobals();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const voteOf = (key: string): VoteBody => ({ key, task: `task-${key}`, trace: null, verdict: "rejected", reasons: ["multiple"], comment: "" });

async function makeOutbox(): Promise<{ box: Outbox; events: OutboxEvent[] }> {
  databases += 1;
  const events: OutboxEvent[] = [];
  const box = new Outbox({
    store: openIndexedStore(`proxy-${databases}`),
    send: postVote,
    renewSession: async () => undefined,
    exclusively: async (work) => (await work(), true),
    afterOthers: (work) => work(),
    random: () => 0,
  });
  box.hear((event) => events.push(event));
  await box.setVolunteer("v1");
  return { box, events };
}

describe("a proxy in between", () => {
  for (const [name, foreign] of Object.entries(FOREIGN)) {
    for (const isAfterwards of [false, true]) {
      it(`loses no vote: ${name} ${isAfterwards ? "after" : "instead of"} the server [flow F1]`, async () => {
        const { box, events } = await makeOutbox();
        script = [{ foreign, isAfterwards }, { foreign, isAfterwards: !isAfterwards }];
        await box.add(voteOf("a"), "Galaxy 1");
        await box.flush();
        await box.flush();
        expect(box.getState()).toMatchObject({ waiting: 1, refused: [], needsLogin: false });
        await box.flush();
        expect(box.getState()).toMatchObject({ waiting: 0, refused: [] });
        expect([...stored.keys()]).toEqual(["a"]);
        expect(events.map((event) => event.kind)).toEqual(["delayed", "delayed", "receipt"]);
        expect(new Set(owners)).toEqual(new Set(["v1"]));
      });
    }
  }

  it("loses none of several votes while everything in turn is answered wrongly [flow F1] [review 16]", async () => {
    const { box } = await makeOutbox();
    const steps = Object.values(FOREIGN).flatMap((foreign) => [false, true].map((isAfterwards) => ({ foreign, isAfterwards })));
    script = [...steps, ...steps.reverse()];
    for (const key of ["a", "b", "c"]) await box.add(voteOf(key), "Galaxy");
    for (let round = 0; box.getState().waiting > 0 && round < 200; round += 1) await box.flush();
    expect([...stored.keys()].sort()).toEqual(["a", "b", "c"]);
    expect(box.getState()).toMatchObject({ waiting: 0, refused: [] });
  });
});

describe("any other request of a galaxy", () => {
  it.each(Object.entries(FOREIGN))("%s is a passing failure without a code of ours [flow F1]", async (_name, foreign) => {
    for (const path of ["tasks/", "tasks/x/renew/", "tasks/x/skip/", "tasks/release/", "votes/x/undo/"]) {
      script = [{ foreign, isAfterwards: false }];
      const error = await callApi("POST", path, {}).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(ApiError);
      expect((error as ApiError).isPassing).toBe(true);
      expect((error as ApiError).code).toMatch(/^(http_\d+|unreachable)$/);
    }
  });

  it("a captive portal's answer is nobody's account [flow F1]", async () => {
    script = [{ foreign: FOREIGN["a captive portal's JSON"] as Foreign, isAfterwards: false }];
    await expect(getMe()).rejects.toMatchObject({ isPassing: true });
  });

  it("says whose page it is [flow F2]", async () => {
    belongTo("v7");
    await callApi("POST", "tasks/", {});
    belongTo(null);
    expect(owners).toEqual(["v7"]);
  });
});
