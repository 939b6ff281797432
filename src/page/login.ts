import { html, nothing } from './html.ts';
import { hidden, type View } from './layout.ts';

/** @param link a secret that somebody has followed; @param problem why the last try has failed */
export function loginView({
  link,
  hasUsers,
  problem,
}: {
  readonly link: string | null;
  readonly hasUsers: boolean;
  readonly problem: string | null;
}): View {
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
