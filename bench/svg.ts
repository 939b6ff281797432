// The few lines that our charts need. Their colours follow the reader's: light or dark.

/** @param body elements, which find the classes below */
export function svg(width: number, height: number, title: string, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}

interface Colours {
  readonly paper: string;
  readonly ink: string;
  readonly faint: string;
  readonly quiet: string;
  readonly good: string;
  readonly bad: string;
  readonly a: string;
  readonly b: string;
}

const light: Colours = {
  ...{ paper: '#ffffff', ink: '#1f2328', faint: '#d0d7de', quiet: '#59636e' },
  ...{ good: '#1a7f37', bad: '#cf222e', a: '#0969da', b: '#9a6700' },
};
const dark: Colours = {
  ...{ paper: '#0d1117', ink: '#f0f6fc', faint: '#3d444d', quiet: '#9198a1' },
  ...{ good: '#3fb950', bad: '#f85149', a: '#4493f8', b: '#d29922' },
};

/** Colours as they stand, not as CSS variables: not every viewer of SVG knows those. */
function coloured({ paper, ink, faint, quiet, good, bad, a, b }: Colours): string {
  return [
    `.paper{fill:${paper}}text{fill:${ink}}.quiet{fill:${quiet}}.rule{stroke:${faint}}.mark{stroke:${ink}}`,
    `.good{fill:${good};stroke:${good}}.bad{fill:${bad};stroke:${bad}}.broker{stroke:${bad}}.database{stroke:${b}}.daemon{stroke:${a}}.a{stroke:${a}}.b{stroke:${b}}`,
  ].join('');
}

const style = [
  'text{font:12px system-ui,sans-serif}.end{text-anchor:end}.middle{text-anchor:middle}',
  '.mark{stroke-dasharray:3 3}.fault{stroke-opacity:.4}.a,.b{fill:none;stroke-width:1.5}',
  coloured(light),
  `@media (prefers-color-scheme:dark){${coloured(dark)}}`,
].join('');

export function text(x: number, y: number, words: string, classes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" class="${classes}">${escaped(words)}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, classes: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${classes}"/>`;
}

export function dot(x: number, y: number, classes: string): string {
  return `<circle cx="${round(x)}" cy="${round(y)}" r="4" class="${classes}"/>`;
}

export function polyline(points: readonly (readonly [number, number])[], classes: string): string {
  return `<polyline points="${points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ')}" class="${classes}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
