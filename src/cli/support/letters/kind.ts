import type { Outline } from '../../../config/outline.ts';
import type { Desk, Letter } from '../../../journal/operator-store.ts';

/** What the commands `dead` and `waiting` differ in: all else they have in common. */
export interface Kind {
  readonly name: 'dead' | 'waiting';
  readonly states: readonly Letter['state'][];
  /** What is said where there is none. */
  readonly none: string;
  /** What is said of a notification of which nothing is of this kind, before the reason. */
  readonly denied: string;
  /** What a line says behind the id, and a group behind its route; the other kind has something else there. */
  readonly detail: { readonly head: string; of(line: Pick<Letter, 'state' | 'dueAt'>): string };
  readonly retry: {
    readonly description: string;
    /** What is said of those that it has changed, behind their number. */
    readonly done: string;
    /** Returns how many it has changed. */
    change(desk: Desk, letters: readonly Letter[]): Promise<number>;
    judge(desk: Desk, config: Outline): Judge;
  };
}

/** Says why one can't be tried again, or null where it can. */
export type Judge = (letter: Letter) => string | null | Promise<string | null>;
