import type { FastifyInstance, FastifyRequest } from 'fastify';
import { JournalError } from '../journal/journal.ts';
import { type Access, TooManyLogins } from './access.ts';
import { html, nothing } from './html.ts';
import { hidden, type PageRequest, plain, type View } from './layout.ts';
import { elsewhere, formIn, isFromElsewhere, pageRequestOf, sendView, sessionOf, setSession } from './requests.ts';

/** Logging in, by a link or by a name and a password, and out. @param onLogout when a session has ended */
export function addLogin(server: FastifyInstance, access: Access, onLogout: () => void): void {
  server.get('/login', async (request, reply) => {
    const asked = await pageRequestOf(request, access);
    if (asked.visitor !== null) return reply.redirect('/', 303);
    const link = asked.query.get('link');
    try {
      const isGood = link !== null && (await access.linkOf(link)) !== null;
      const problem = link !== null && !isGood ? overLink : null;
      return sendView(reply, asked, loginView(access, isGood ? link : null, problem));
    } catch (error) {
      return sendView(reply, asked, ...failedLogin(access, error));
    }
  });

  server.post('/login', { bodyLimit: 4_096 }, async (request, reply) => {
    const asked = await pageRequestOf(request, access);
    if (isFromElsewhere(request)) return sendView(reply, asked, elsewhere, 403);
    const form = formIn(request);
    const link = form.get('link');
    try {
      const session =
        link === null
          ? await access.login(form.get('name') ?? '', form.get('password') ?? '')
          : await access.followLink(link);
      if (session === null)
        return sendView(reply, asked, loginView(access, null, link === null ? wrongPassword : overLink), 403);
      // What this browser had before, or was given by somebody else, lets nobody in any more.
      await logout(request);
      setSession(request, reply, session);
      return reply.redirect('/', 303);
    } catch (error) {
      return sendView(reply, asked, ...failedLogin(access, error));
    }
  });

  server.post('/logout', async (request, reply) => {
    const asked = await pageRequestOf(request, access);
    if (isFromElsewhere(request)) return sendView(reply, asked, elsewhere, 403);
    setSession(request, reply, null);
    try {
      await logout(request);
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      return sendView(reply, { ...asked, visitor: null }, notEnded, 503);
    }
    return reply.redirect('/', 303);
  });

  async function logout(request: FastifyRequest): Promise<void> {
    const session = sessionOf(request);
    if (session === null) return;
    await access.logout(session);
    onLogout();
  }
}

/** What who isn't logged in gets at a page that isn't for everybody. */
export function refusal(access: Access, { isAway }: PageRequest): [View, number] {
  return isAway ? [away, 503] : [loginView(access, null, null), 401];
}

function failedLogin(access: Access, error: unknown): [View, number] {
  if (error instanceof JournalError) return [away, 503];
  if (error instanceof TooManyLogins) return [loginView(access, null, error.message), 429];
  throw error;
}

/** @param link a secret that somebody has followed; @param problem why the last try has failed */
function loginView({ hasUsers }: Access, link: string | null, problem: string | null): View {
  return {
    title: 'Log in',
    body: html`<h1>Log in</h1>
${problem === null ? nothing : html`<p class="bad">${problem}</p>`}
${
  link === null
    ? html`<p>On the daemon's machine, as its user or root: <code>kazoo-relay page</code> prints a link that logs you in once.</p>`
    : html`<form method="post" action="/login">${hidden({ link })}<button class="act">Log in by this link</button></form>`
}
${
  hasUsers && link === null
    ? html`<form method="post" action="/login">
<p><label for="name">Name</label><input id="name" name="name" autocomplete="username" required></p>
<p><label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required></p>
<button class="act">Log in</button></form>`
    : nothing
}`,
  };
}

const overLink = 'This link is over: it is good once, for five minutes. "kazoo-relay page" prints another one.';
const wrongPassword = 'That is not the name and the password of a user.';

const away = plain(
  'Nobody can be logged in now',
  'The database of the journal, which knows who is logged in, is away. "Now" shows states and counts all the same; on the ' +
    'daemon\'s machine, "kazoo-relay status" says why it is away.',
);
const notEnded = plain(
  'This browser is logged out',
  'The database of the journal is away: the session itself ends there only twelve hours after its last request. Log in and ' +
    'out again, once it is back, if somebody else may have its cookie.',
);
