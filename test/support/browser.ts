import { type Browser, chromium } from 'playwright-core';

/** Debian's Chromium, without a window. It asks for nothing by itself. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    // Root may run it only so; nothing but our own pages is loaded in it.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}
