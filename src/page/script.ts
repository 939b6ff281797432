/**
 * What the page does by itself where there is JavaScript: it reads itself again when the daemon says that something has
 * changed, as long as it is seen and nobody has paused that. Nothing needs it.
 */
export const script = `'use strict';
(() => {
  const main = document.querySelector('main[data-live]');
  if (main === null) return;
  const button = document.createElement('button');
  let paused = sessionStorage.getItem('paused') === 'yes';
  let source;
  let busy = false;
  let due = false;
  async function read() {
    if (busy) { due = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { 'x-live': '1' }, redirect: 'manual' });
      // The session has ended: what it has shown goes.
      if (answer.status === 401) location.reload();
      if (answer.ok) {
        const next = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main[data-live]');
        const typing = main.contains(document.activeElement) && /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
        if (next !== null && !typing && !paused) swap(next);
      }
    } catch { /* The next change tries again. */ }
    busy = false;
    if (due) { due = false; setTimeout(read, 1000); }
  }
  function swap(next) {
    const focused = document.activeElement && main.contains(document.activeElement) ? document.activeElement.id : '';
    const open = [...main.querySelectorAll('details[open][id]')].map((one) => one.id);
    main.replaceChildren(...next.childNodes);
    for (const id of open) document.getElementById(id)?.setAttribute('open', '');
    if (focused) document.getElementById(focused)?.focus();
  }
  function listen() {
    source?.close();
    source = undefined;
    if (paused || document.hidden) return;
    source = new EventSource('/live');
    source.addEventListener('changed', read);
    // A stream ends with its session, or with the daemon; what has changed until it is back is not told again.
    let lost = false;
    source.addEventListener('error', () => { lost = true; read(); });
    source.addEventListener('open', () => { if (lost) read(); lost = false; });
  }
  function show() {
    button.textContent = paused ? 'Go on updating' : 'Pause updates';
    button.setAttribute('aria-pressed', String(paused));
  }
  button.type = 'button';
  button.addEventListener('click', () => {
    paused = !paused;
    sessionStorage.setItem('paused', paused ? 'yes' : 'no');
    show();
    listen();
    if (!paused) read();
  });
  document.querySelector('header .who')?.prepend(button, ' ');
  document.addEventListener('visibilitychange', () => { listen(); if (!document.hidden && !paused) read(); });
  show();
  listen();
})();
`;
