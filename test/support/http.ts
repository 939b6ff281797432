import http from 'node:http';
import { text } from 'node:stream/consumers';
import type { Daemon } from './daemon.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** Asks the daemon, at an address and port or at a Unix socket. */
export function ask(
  at: string,
  path: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: http.OutgoingHttpHeaders; body?: string } = {},
): Promise<Answer> {
  const where = at.startsWith('/') ? { socketPath: at } : { host: at.split(':')[0], port: at.split(':')[1] };
  return new Promise((resolve, reject) => {
    const request = http.request({ ...where, path, method, headers, agent: false }, (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      text(response).then((answer) => resolve({ status, body: answer, headers: answered }), reject);
    });
    request.on('error', reject).end(body);
  });
}

/** Where the daemon's log says that it answers. */
export async function httpAddress(daemon: Daemon): Promise<string> {
  await daemon.says('the HTTP port is open');
  return /"listen":"([^"]+)","msg":"the HTTP port is open"/.exec(daemon.stderr)?.[1] ?? '';
}

/** The values of the samples of a metric that have these labels, by all of their labels. */
export function samples(page: string, name: string, labels: Record<string, string> = {}): Map<string, number> {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const found = new Map<string, number>();
  for (const line of page.split('\n')) {
    const [, metric, labelled = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (metric === name && wanted.every((label) => labelled.includes(label))) found.set(labelled, Number(value));
  }
  return found;
}

/** The sum of those samples. */
export function total(page: string, name: string, labels: Record<string, string> = {}): number {
  return [...samples(page, name, labels).values()].reduce((sum, value) => sum + value, 0);
}
