import { isIP } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { JournalError } from '../journal/journal.ts';
import type { Access } from './access.ts';
import { layout, type PageRequest, plain, type View } from './layout.ts';

/** The session's cookie: scripts can't read it, and no other site's page sends it. */
const cookieName = 'kazoo_relay_session';
const sessionCookie = new RegExp(`(?:^|; *)${cookieName}=([\\w-]{43})(?=;|$)`);

export async function pageRequestOf(request: FastifyRequest, access: Access): Promise<PageRequest> {
  const { pathname, search } = new URL(request.url, 'http://page');
  return { path: pathname, query: fieldsIn(search), ...(await visitorOf(request, access)) };
}

/** Whose session a request has. */
export async function visitorOf(
  request: FastifyRequest,
  access: Access,
): Promise<Pick<PageRequest, 'visitor' | 'isAway'>> {
  const session = sessionOf(request);
  try {
    return { visitor: session === null ? null : await access.visitorOf(session), isAway: false };
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    return { visitor: null, isAway: true };
  }
}

/** Null where it has none, or something else in its place. */
export function sessionOf({ headers: { cookie = '' } }: FastifyRequest): string | null {
  const [, session = null] = sessionCookie.exec(cookie) ?? [];
  return session;
}

/** @param session null ends it */
export function setSession(request: FastifyRequest, reply: FastifyReply, session: string | null): void {
  // A proxy that speaks TLS says so; the daemon itself doesn't.
  const secure = request.headers['x-forwarded-proto'] === 'https' ? '; Secure' : '';
  const life = session === null ? '; Max-Age=0' : '';
  reply.header('set-cookie', `${cookieName}=${session ?? ''}; Path=/; HttpOnly; SameSite=Strict${secure}${life}`);
}

/** Whether a request comes from a page of another site, as the browser says. What is no browser says nothing. */
export function isFromElsewhere({ headers, host }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  // Browsers of before 2023 say only this.
  const { origin } = headers;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}

export const elsewhere = plain('Refused', 'This request comes from a page of another site.');

export function formIn(request: FastifyRequest): URLSearchParams {
  return fieldsIn(typeof request.body === 'string' ? request.body : '');
}

/** Names and values of a query or a form, without NUL, which no database can be asked for. */
export function fieldsIn(text: string): URLSearchParams {
  return new URLSearchParams(text.replaceAll(/%00|\0/g, '\ufffd'));
}

/** What stands in the place of the parameter of a path that has one. */
export function parameterOf({ params }: FastifyRequest): string {
  const [value = ''] = Object.values(params as Record<string, string>); // as the path has them
  return value.replaceAll('\0', '\ufffd');
}

const security = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

export function sendView(reply: FastifyReply, request: PageRequest, view: View, code = 200): FastifyReply {
  return reply.code(code).headers(security).type('text/html; charset=utf-8').send(layout(view, request));
}

/** Where somebody acts from, for the audit: an address, or the socket. */
export function placeOf({ ip }: FastifyRequest): string {
  return `page, ${isIP(ip) === 0 ? 'socket' : ip}`;
}
