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
        // Nor is a text taken away that somebody is about to copy.
        if (next !== null && !typing && !paused && getSelection().isCollapsed) swap(next);
      }
    } catch { /* The next change tries again. */ }
    busy = false;
    if (due) { due = false; setTimeout(read, 1000); }
  }
  /** What somebody has opened, typed and reached with the keyboard stays. */
  function swap(next) {
    const active = document.activeElement;
    const focused = main.contains(active) && active !== main ? placeOf(active) : null;
    const summaryOf = (one) => one.querySelector('summary').textContent;
    const open = [...main.querySelectorAll('details[open]')].map(summaryOf);
    const typed = [...main.querySelectorAll('input:not([type=hidden]), textarea, select')].map((one) => [placeOf(one), one.value]);
    main.replaceChildren(...next.childNodes);
    for (const one of main.querySelectorAll('details')) if (open.includes(summaryOf(one))) one.open = true;
    for (const [place, value] of typed) {
      const field = at(place);
      if (field) field.value = value;
    }
    if (focused) at(focused)?.focus({ preventScroll: true });
  }
  function keyOf(one) {
    const sent = [...(one.form?.querySelectorAll('input[type=hidden]') ?? [])].map((field) => field.value);
    const text = one.matches('textarea, select') ? '' : one.textContent;
    return [one.name, one.getAttribute('href'), one.getAttribute('aria-label'), one.form?.getAttribute('action'), ...sent, text].join(' ');
  }
  function placeOf(one) {
    const alike = [...main.querySelectorAll(one.tagName)].filter((other) => keyOf(other) === keyOf(one));
    return { tag: one.tagName, key: keyOf(one), index: alike.indexOf(one) };
  }
  function at({ tag, key, index }) {
    const alike = [...main.querySelectorAll(tag)].filter((one) => keyOf(one) === key);
    return alike[index] ?? alike[0];
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
