// <data-map code="…" outlines="…">: the features of a dataset on a map of our own outlines. No tiles: no other host is asked.
// <data-choropleth outlines="…"> around a table whose rows name divisions: their areas, coloured by the last number.
import leaflet, { type GeoJSON, type Layer, type Map as Chart, type Path, type PopupOptions } from 'leaflet';
import leafletCss from 'leaflet/dist/leaflet.css?inline';
import type { Feature, FeatureCollection, GeoJsonObject } from 'geojson';

import css from './map.css?inline';
import { callByName, joined, nameOfArea, outlinesOf } from './shared/divisions';
import { calm, figure, looks, whenThemeChanges } from './shared/looks';
import { Places, nameOf, same } from './shared/places';
import { askInTurn, dress, element, say, trouble, whenSeen } from './shared/page';

dress(leafletCss);
dress(css);

/** Features of one look; more are shown when the reader comes nearer. */
const MOST = 1000;

interface Page extends FeatureCollection {
  numberReturned?: number;
  links?: { rel: string }[];
}

async function features(code: string, query: Record<string, string> = {}, signal?: AbortSignal): Promise<Page> {
  const asked = new URLSearchParams({ f: 'json', limit: String(MOST), ...query });
  const answer = await askInTurn(`/ogc/collections/${encodeURIComponent(code)}/items?${asked}`, { signal: signal ?? null });
  return (await answer.json()) as Page;
}

/** Some rows lie nowhere: they are on no map. */
function placed(found: Page): Page {
  return { ...found, features: found.features.filter(({ geometry }) => Boolean(geometry)) };
}

/** What the columns are called, by their names, where the page has them for its grid. */
function titles(): Map<string, string> {
  const columns = document.querySelector('data-grid script[type="application/json"]')?.textContent;
  return new Map(columns ? (JSON.parse(columns) as { name: string; title: string }[]).map(({ name, title }) => [name, title]) : []);
}

/** What a feature says of itself, as text: nothing of it is read as HTML. */
function popup(feature: Feature): HTMLElement {
  const [list, called] = [element('dl', { className: 'facts' }), titles()];
  for (const [name, value] of Object.entries(feature.properties ?? {})) {
    if (value === null || value === '') continue;
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    const title = called.get(name);
    list.append(element('dt', title ? { lang: 'zh-CN' } : {}, title ?? name), element('dd', { lang: 'zh-CN' }, text.length > 300 ? `${text.slice(0, 300)}…` : text));
  }
  return list;
}

function chart(holder: HTMLElement, label: string): Chart {
  holder.setAttribute('role', 'region');
  holder.setAttribute('aria-label', label);
  const still = calm();
  const made = leaflet.map(holder, {
    preferCanvas: true, attributionControl: false, zoomControl: false, zoomSnap: 0.25,
    zoomAnimation: !still, fadeAnimation: !still, markerZoomAnimation: !still, inertia: !still,
  });
  leaflet.control.zoom({ zoomInTitle: say('放大', 'Zoom in'), zoomOutTitle: say('缩小', 'Zoom out') }).addTo(made);
  leaflet.control.scale({ imperial: false }).addTo(made);
  // A page scrolls until the reader is in the map.
  made.scrollWheelZoom.disable();
  made.on('focus', () => made.scrollWheelZoom.enable());
  made.on('blur', () => made.scrollWheelZoom.disable());
  return made;
}

/** A popup has room in its map, beside the buttons. */
function room(map: Chart): PopupOptions {
  const { x, y } = map.getSize();
  return { maxWidth: Math.max(160, Math.min(320, x - 100)), maxHeight: Math.max(120, Math.min(260, y - 80)), autoPanPaddingTopLeft: [48, 8], autoPanPaddingBottomRight: [8, 8] };
}

class DataMap extends HTMLElement {
  private map: Chart | undefined;
  private layer: GeoJSON | undefined;
  private asking: AbortController | undefined;
  private shown: Page | undefined;
  private status: HTMLElement | undefined;
  private places: Places | undefined;
  /** The feature whose popup is open, and whether the list opened it. */
  private opened: { feature: Feature; byKey: boolean } | undefined;
  private layers: [Feature, Layer][] = [];

  connectedCallback() {
    whenSeen(this, () => void this.begin());
  }

  private async begin() {
    const code = this.getAttribute('code');
    if (!code || this.map) return;
    try {
      const first = await features(code);
      const holder = element('div', { className: 'map' });
      this.status = element('p', { className: 'quiet' });
      this.status.setAttribute('role', 'status');
      this.places = new Places(`places-${code.replace(/[^\w-]/g, '')}`, {
        onMove: (feature) => this.mark(feature),
        onOpen: (feature) => this.open(feature),
        onClose: () => this.map?.closePopup(),
      });
      this.append(holder, this.status, this.places.element);
      this.map = chart(holder, this.getAttribute('label') ?? say('地图', 'Map'));
      this.map.setView([30, 115], 5);
      const ground = await this.ground();
      this.show(first);
      // Of more than one look has, those in the city come first.
      const isOfCity = isPart(first) && ground?.isValid();
      const bounds = isOfCity ? ground : this.layer?.getBounds();
      if (bounds?.isValid()) this.map.fitBounds(bounds, { padding: [16, 16], maxZoom: 14, animate: false });
      if (isOfCity) await this.look(code);
      // Where the first look has all of them, nothing more is asked.
      if (isPart(first)) this.map.on('moveend', () => void this.look(code));
      whenThemeChanges(() => this.shown && this.show(this.shown));
    } catch (cause) {
      this.append(trouble(cause));
    }
  }

  /** The divisions below, where the city publishes them. */
  private async ground() {
    const code = this.getAttribute('outlines');
    if (!code || code === this.getAttribute('code') || !this.map) return undefined;
    try {
      const style = () => {
        const look = looks();
        return { color: look.quiet, weight: 1, fillColor: look.raised, fillOpacity: 0.6 };
      };
      const ground = leaflet.geoJSON(await outlinesOf(code), { interactive: false, style: style() });
      whenThemeChanges(() => ground.setStyle(style()));
      return ground.addTo(this.map).getBounds();
    } catch {
      // A map without a ground is still one.
      return undefined;
    }
  }

  private async look(code: string) {
    this.asking?.abort();
    this.asking = new AbortController();
    const box = this.map!.getBounds();
    const clamp = (number: number, most: number) => Math.max(-most, Math.min(most, number)).toFixed(6);
    const bbox = [clamp(box.getWest(), 180), clamp(box.getSouth(), 90), clamp(box.getEast(), 180), clamp(box.getNorth(), 90)].join(',');
    try {
      this.show(await features(code, { bbox }, this.asking.signal));
    } catch (cause) {
      if (!(cause instanceof DOMException)) this.status?.replaceChildren(cause instanceof Error ? cause.message : String(cause));
    }
  }

  private show(all: Page) {
    const [found, look] = [placed(all), looks()];
    this.shown = found;
    const opened = this.opened;
    this.layer?.remove();
    this.layers = [];
    this.layer = leaflet.geoJSON(found as GeoJsonObject, {
      style: (feature) => (feature?.geometry.type === 'Point' ? {} : { color: look.primary, weight: 1.5, fillOpacity: 0.18 }),
      pointToLayer: (_, place) => leaflet.circleMarker(place, { radius: 5, color: look.raised, weight: 1, fillColor: look.accent, fillOpacity: 0.9 }),
      onEachFeature: (feature, layer: Layer) => {
        this.layers.push([feature, layer]);
        layer.bindPopup(() => popup(feature), room(this.map!));
        layer.on('popupopen', ({ popup: open }) => this.tell(feature, open.getElement()));
        layer.on('popupclose', () => this.back(feature));
      },
    });
    this.layer.addTo(this.map!);
    this.places?.show(found.features);
    // What was open is open still: the map moved to make room for it.
    const again = opened && this.layers.find(([feature]) => same(feature, opened.feature));
    if (again) this.open(again[0], opened.byKey);
    const count = found.features.length;
    this.dataset['features'] = String(count);
    const more = isPart(found) ? say('，放大可以看到更多', '; come nearer to see more') : '';
    this.status?.replaceChildren(`${say('图上共', 'On the map:')} ${figure(count)} ${say('处', 'places')}${more}`);
  }

  /** The place that the reader moves to in the list stands out. */
  private mark(feature: Feature) {
    const look = looks();
    for (const [one, layer] of this.layers) {
      if (!('setStyle' in layer)) continue;
      const path = layer as Path;
      const isPoint = one.geometry.type === 'Point';
      if (same(one, feature)) {
        path.setStyle({ color: look.ink, weight: 3 });
        path.bringToFront();
      } else path.setStyle({ color: isPoint ? look.raised : look.primary, weight: isPoint ? 1 : 1.5 });
    }
    this.dataset['marked'] = String(feature.id ?? '');
  }

  private open(feature: Feature, byKey = true) {
    const layer = this.layers.find(([one]) => same(one, feature))?.[1];
    if (!layer) return;
    this.opened = { feature, byKey };
    layer.openPopup();
  }

  /** An open popup is told, and reached by keys: who opened it from the list is led into it. */
  private tell(feature: Feature, made: HTMLElement | undefined) {
    const content = made?.querySelector<HTMLElement>('.leaflet-popup-content');
    if (!made || !content) return;
    const byKey = this.opened !== undefined && same(this.opened.feature, feature) && this.opened.byKey;
    this.opened = { feature, byKey };
    made.setAttribute('role', 'dialog');
    made.setAttribute('aria-label', nameOf(feature));
    made.querySelector('.leaflet-popup-close-button')?.setAttribute('aria-label', say('关闭', 'Close'));
    content.tabIndex = 0;
    made.addEventListener('keydown', (event) => event.key === 'Escape' && this.map?.closePopup());
    if (byKey) content.focus({ preventScroll: true });
  }

  /** Whoever came from the list goes back to it. */
  private back(feature: Feature) {
    const opened = this.opened;
    if (!opened || !same(opened.feature, feature)) return;
    this.opened = undefined;
    if (opened.byKey && (document.activeElement === document.body || this.contains(document.activeElement))) this.places?.focus();
  }
}

function isPart(found: Page): boolean {
  return found.links?.some(({ rel }) => rel === 'next') ?? false;
}

class DataChoropleth extends HTMLElement {
  connectedCallback() {
    whenSeen(this, () => void this.begin());
  }

  private async begin() {
    const [table, code] = [this.querySelector('table'), this.getAttribute('outlines')];
    if (!table || !code || this.dataset['areas']) return;
    const values = new Map<string, number>();
    for (const row of table.tBodies[0]?.rows ?? []) {
      const [name, value] = [row.cells[0]?.textContent?.trim(), row.cells[row.cells.length - 1]?.dataset['value']];
      if (name && value) values.set(name, Number(value));
    }
    try {
      const found = await outlinesOf(code);
      // A map has one number for each area.
      const property = table.tHead?.rows[0]?.cells.length === 2 ? joined(found, values) : undefined;
      if (property) this.draw(found, property, values, table.caption?.textContent?.trim() ?? '');
      callByName(table, found);
    } catch {
      // The table and its chart say the same.
    }
  }

  private draw(found: FeatureCollection, property: string, values: Map<string, number>, label: string) {
    const valueOf = (feature?: Feature) => values.get(String(feature?.properties?.[property] ?? ''));
    const sorted = [...values.values()].sort((one, other) => one - other);
    const edges = [0.2, 0.4, 0.6, 0.8].map((share) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
    const step = (value: number) => edges.filter((edge) => value > edge).length;
    const holder = element('div', { className: 'map' });
    this.prepend(holder);
    const map = chart(holder, label);
    map.setView([30, 115], 5);
    const style = () => {
      const look = looks();
      return (feature?: Feature) => {
        const value = valueOf(feature);
        return { color: look.raised, weight: 1.5, fillOpacity: value === undefined ? 0.25 : 0.95, fillColor: value === undefined ? look.quiet : look.steps[step(value)] ?? look.primary };
      };
    };
    const layer = leaflet.geoJSON(found as GeoJsonObject, {
      style: style(),
      onEachFeature: (feature, area) => {
        const value = valueOf(feature);
        const text = element('div', {}, element('strong', { lang: 'zh-CN' }, nameOfArea(feature, property)), element('br'), value === undefined ? say('没有数据', 'no data') : figure(value));
        area.bindPopup(text).bindTooltip(text.cloneNode(true) as HTMLElement, { sticky: true });
      },
    }).addTo(map);
    map.fitBounds(layer.getBounds(), { padding: [12, 12], animate: false });
    whenThemeChanges(() => layer.setStyle(style()));
    const painted = found.features.filter((feature) => valueOf(feature) !== undefined).length;
    this.dataset['areas'] = String(painted);
    holder.after(legend(sorted, step, painted < found.features.length));
  }
}

/** What each colour of the areas stands for: the least and the greatest value that has it. Colours that no value has are left out. */
function legend(sorted: number[], step: (value: number) => number, hasGaps: boolean): HTMLElement {
  const items = [0, 1, 2, 3, 4].flatMap((place) => {
    const own = sorted.filter((value) => step(value) === place);
    const [from, until] = [own[0], own[own.length - 1]];
    if (from === undefined || until === undefined) return [];
    return [element('li', { className: `step-${place + 1}` }, from === until ? figure(until) : `${figure(from)} – ${figure(until)}`)];
  });
  if (hasGaps) items.push(element('li', { className: 'step-0' }, say('没有数据', 'no data')));
  return element('ul', { className: 'legend' }, ...items);
}

customElements.define('data-map', DataMap);
customElements.define('data-choropleth', DataChoropleth);
