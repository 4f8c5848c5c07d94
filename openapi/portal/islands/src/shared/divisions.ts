// Divisions of the city: their outlines, and what they are called.
import type { Feature, FeatureCollection } from 'geojson';

import { askInTurn, element } from './page';

/** Outlines are asked for once in a page. */
const outlines = new Map<string, Promise<FeatureCollection>>();

export function outlinesOf(code: string): Promise<FeatureCollection> {
  const known = outlines.get(code) ?? fetched(encodeURIComponent(code));
  outlines.set(code, known);
  return known;
}

/** The open file comes compressed, and browsers keep it for everybody; where it is not open, the reader's records do. */
async function fetched(code: string): Promise<FeatureCollection> {
  const file = askInTurn(`/datasets/${code}/latest.geojson`, { credentials: 'omit' });
  const answer = await file.catch(() => askInTurn(`/ogc/collections/${code}/items?f=json&limit=1000`));
  return (await answer.json()) as FeatureCollection;
}

/** The property by which most of the values find their areas. */
export function joined(found: FeatureCollection, values: { has(value: string): boolean }): string | undefined {
  const names = new Set(found.features.flatMap((feature) => Object.keys(feature.properties ?? {})));
  const hits = (property: string) => found.features.filter((feature) => values.has(valueOf(feature, property))).length;
  const best = [...names].map((property) => [property, hits(property)] as const).sort((one, other) => other[1] - one[1])[0];
  return best && best[1] > 0 ? best[0] : undefined;
}

export function nameOfArea(feature: Feature, property: string): string {
  const found = feature.properties ?? {};
  return String(found['name'] ?? found['title'] ?? found['名称'] ?? found[property] ?? '');
}

/** Names beside the codes of a table: of its rows, and of its columns where divisions split them. */
export function callByName(table: HTMLTableElement, found: FeatureCollection): void {
  const firsts = [...(table.tBodies[0]?.rows ?? [])].flatMap((row) => row.cells[0] ?? []);
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])].slice(1);
  const texts = new Map([...firsts, ...heads].map((cell) => [cell, cell.textContent?.trim() ?? '']));
  const property = joined(found, new Set(texts.values()));
  if (!property) return;
  const names = new Map(found.features.map((feature) => [valueOf(feature, property), nameOfArea(feature, property)]));
  for (const [cell, text] of texts) {
    const called = names.get(text);
    if (called && called !== text) cell.append(' ', element('span', { className: 'quiet', lang: 'zh-CN' }, called));
  }
  // The chart of the same table calls them by their names, too.
  table.dispatchEvent(new Event('named', { bubbles: true }));
}

function valueOf(feature: Feature, property: string): string {
  return String(feature.properties?.[property] ?? '');
}
