/** What may happen: all of it is tried, in every order. A state is plain data, and never changed. */
export interface Model<S> {
  readonly initial: S;
  /** What may happen next. */
  steps(state: S): Iterable<Step<S>>;
  /** What is wrong with a state, where something is. */
  wrong(state: S): string | undefined;
}

export interface Step<S> {
  /** As a reader of the way to a fault sees it. */
  readonly name: string;
  readonly next: S;
  /** What is wrong with the step itself. */
  readonly wrong?: string;
}

export interface Explored {
  readonly states: number;
  readonly fault: Fault | null;
}

/** The shortest way to something that is wrong. */
interface Fault {
  readonly what: string;
  readonly way: readonly string[];
}

/** Goes through all states that can be reached, nearest first, up to the first fault. */
export function explore<S>({ initial, steps, wrong }: Model<S>): Explored {
  const reached = new Map<string, { readonly from: string | null; readonly name: string }>();
  const wayTo = (key: string | null): string[] => {
    const way: string[] = [];
    for (let at = key; at !== null; ) {
      const { from, name }: { from: string | null; name: string } = reached.get(at) ?? { from: null, name: '' };
      if (from !== null) way.unshift(name);
      at = from;
    }
    return way;
  };
  const first = JSON.stringify(initial);
  reached.set(first, { from: null, name: '' });
  let front: { key: string; state: S }[] = [{ key: first, state: initial }];
  while (front.length > 0) {
    const ahead: typeof front = [];
    for (const { key: from, state } of front)
      for (const { name, next, wrong: wrongStep } of steps(state)) {
        if (wrongStep !== undefined)
          return { states: reached.size, fault: { what: wrongStep, way: [...wayTo(from), name] } };
        const key = JSON.stringify(next);
        if (reached.has(key)) continue;
        reached.set(key, { from, name });
        const what = wrong(next);
        if (what !== undefined) return { states: reached.size, fault: { what, way: wayTo(key) } };
        ahead.push({ key, state: next });
      }
    front = ahead;
  }
  return { states: reached.size, fault: null };
}
