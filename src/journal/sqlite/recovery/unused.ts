import type { Pages } from './pages.ts';

/**
 * Returns which pages are unused: they hold deleted rows. Two lists have them. The pointer map (a journal has
 * `auto_vacuum`) has five bytes for each page: its use, and the page that refers to it; an unused one has 2 and 0. The
 * free list is a chain of trunk pages from the first page on; each has the number of the next one and of some unused
 * pages. If the map is implausible, the list decides; if neither can be read, a page counts as used, because a repeated
 * delivery is better than a lost one.
 */
export function unusedPages(pages: Pages): (number: number) => boolean {
  const listed = freeList(pages);
  const hasMap = pages.read(1)?.readUInt32BE(largestRootAt) !== 0;
  let map: { number: number; page: Buffer | null } = { number: 0, page: null };
  return (number) => {
    const place = mapPlaceOf(number, pages.size);
    if (!hasMap || number < 2 || number <= place.page) return listed[number] === 1;
    if (place.page !== map.number) map = { number: place.page, page: pages.read(place.page) };
    const use = map.page?.readUInt8(place.offset) ?? 0;
    const parent = map.page?.readUInt32BE(place.offset + 1) ?? 0;
    return isUse(use, parent, pages.count) ? use === unused : listed[number] === 1;
  };
}

/** What the pointer map says of a page: 1 the root of a tree, 2 unused, 3 and 4 overflow, 5 another page of a tree. */
const unused = 2;
const lastUse = 5;

function isUse(use: number, parent: number, count: number): boolean {
  if (use < 1 || use > lastUse) return false;
  return use <= unused ? parent === 0 : parent > 0 && parent <= count;
}

const entryBytes = 5;

/** The page of SQLite's lock, at 1 GiB, is never used. */
const lockAt = 0x40000000;

/** The pointer map's pages stand before those that they tell of: the first is page 2. */
function mapPlaceOf(number: number, size: number): { page: number; offset: number } {
  const covered = Math.floor(size / entryBytes) + 1;
  const page = Math.floor((number - 2) / covered) * covered + 2;
  const shifted = page === lockAt / size + 1 ? page + 1 : page;
  return { page: shifted, offset: entryBytes * (number - shifted - 1) };
}

/**
 * In the first page's header: the number of the first trunk page; and of the last root of a tree, 0 where there is no
 * pointer map.
 */
const firstTrunkAt = 32;
const largestRootAt = 52;

/** For each page 1 where it is in the list, as far as that can be read. */
function freeList(pages: Pages): Uint8Array {
  const listed = new Uint8Array(pages.count + 1);
  let trunk = pages.read(1)?.readUInt32BE(firstTrunkAt) ?? 0;
  while (trunk > 1 && trunk <= pages.count && listed[trunk] === 0) {
    const page = pages.read(trunk);
    const free = page === null ? null : listedIn(page, pages.count);
    if (page === null || free === null) break;
    listed[trunk] = 1;
    for (const number of free) listed[number] = 1;
    trunk = page.readUInt32BE(0);
  }
  return listed;
}

/** The numbers that a trunk page lists after the next one's and their count; null where it is no trunk page. */
function listedIn(page: Buffer, count: number): number[] | null {
  const length = page.readUInt32BE(4);
  if (length > page.length / 4 - 2) return null;
  const numbers = Array.from({ length }, (_, index) => page.readUInt32BE(8 + 4 * index));
  return numbers.every((number) => number > 1 && number <= count) ? numbers : null;
}
