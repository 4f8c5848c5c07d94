// The features of a map as a list that keys move in: what a canvas draws no key reaches, and nobody hears.
import type { Feature } from 'geojson';

import { element, say } from './page';

/** Places that the list names; all of them are on the page that the map's link leads to. */
const MOST = 200;

export interface Chosen {
  /** The reader moves to it: it is to be shown, and nothing else changes. */
  onMove: (feature: Feature) => void;
  /** The reader wants to know more of it. */
  onOpen: (feature: Feature) => void;
  /** The reader has enough of what is open. */
  onClose: () => void;
}

/** What a place is called: its name, else its first texts, and its id. */
export function nameOf(feature: Feature): string {
  const found = Object.entries(feature.properties ?? {}).filter(([, value]) => typeof value === 'string' && value.trim() !== '') as [string, string][];
  const named = found.find(([name]) => /(^|_)(name|title)$|名称|标题/i.test(name)) ?? found.find(([, value]) => /\p{Script=Han}/u.test(value));
  const text = (named?.[1] ?? found.slice(0, 2).map(([, value]) => value).join(' ')).slice(0, 80);
  // Many are called the same: what tells them apart stands behind it.
  const id = feature.id === undefined ? '' : String(feature.id).slice(0, 40);
  return [text, id === text ? '' : id].filter(Boolean).join(' · ');
}

export class Places {
  readonly element: HTMLElement;
  private readonly list = element('div', { className: 'places-list', tabIndex: 0 });
  private readonly note = element('p', { className: 'quiet' });
  private features: Feature[] = [];
  private active = -1;
  private typed = '';
  private typedAt = 0;

  constructor(private readonly id: string, private readonly chosen: Chosen) {
    const label = element('p', { id: `${id}-label`, className: 'quiet' }, say('图上的位置：上下键移动，回车查看，Esc 关闭', 'Places on the map: up and down move, Enter opens one, Esc closes it'));
    this.list.id = id;
    this.list.setAttribute('role', 'listbox');
    this.list.setAttribute('aria-labelledby', label.id);
    this.list.addEventListener('keydown', (event) => this.key(event));
    this.list.addEventListener('focus', () => this.features.length > 0 && this.move(Math.max(0, this.active)));
    this.list.addEventListener('click', (event) => {
      const place = event.target instanceof Element ? [...this.list.children].indexOf(event.target.closest('[role="option"]')!) : -1;
      if (place < 0) return;
      this.move(place);
      this.open();
    });
    this.element = element('div', { className: 'places-beside' }, label, this.list, this.note);
  }

  /** Other features are on the map: the one that was chosen stays so, if it still is among them. */
  show(features: Feature[]): void {
    const before = this.features[this.active];
    this.features = features.slice(0, MOST);
    this.active = before === undefined ? -1 : this.features.findIndex((one) => same(one, before));
    this.list.replaceChildren(...this.features.map((feature, place) => {
      const option = element('div', { id: `${this.id}-${place}`, lang: 'zh-CN' }, nameOf(feature));
      option.setAttribute('role', 'option');
      option.setAttribute('aria-selected', String(place === this.active));
      return option;
    }));
    this.element.hidden = this.features.length === 0;
    this.note.replaceChildren(features.length > MOST ? say('先列出一部分，放大地图可以看到其余的。', 'These are some of them: come nearer for the others.') : '');
    this.tell();
  }

  focus(): void {
    this.list.focus();
  }

  private key(event: KeyboardEvent) {
    const last = this.features.length - 1;
    const steps: Record<string, number> = {
      ArrowDown: Math.min(last, this.active + 1), ArrowUp: Math.max(0, this.active - 1), Home: 0, End: last,
      PageDown: Math.min(last, this.active + 10), PageUp: Math.max(0, this.active - 10),
    };
    const to = steps[event.key];
    if (to !== undefined) this.move(to);
    else if (event.key === 'Enter' || event.key === ' ') this.open();
    else if (event.key === 'Escape') this.chosen.onClose();
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) this.find(event.key);
    else return;
    event.preventDefault();
  }

  /** The next place whose name begins with what is typed. */
  private find(letter: string) {
    const now = performance.now();
    this.typed = now - this.typedAt > 800 ? letter : this.typed + letter;
    this.typedAt = now;
    const order = this.features.map((_, place) => (place + this.active + (this.typed.length > 1 ? 0 : 1) + this.features.length) % this.features.length);
    const found = order.find((place) => nameOf(this.features[place]!).toLowerCase().startsWith(this.typed.toLowerCase()));
    if (found !== undefined) this.move(found);
  }

  private move(to: number) {
    const feature = this.features[to];
    if (!feature) return;
    this.list.children[this.active]?.setAttribute('aria-selected', 'false');
    this.active = to;
    this.tell();
    this.chosen.onMove(feature);
  }

  private tell() {
    const option = this.list.children[this.active];
    if (!option) {
      this.list.removeAttribute('aria-activedescendant');
      return;
    }
    option.setAttribute('aria-selected', 'true');
    this.list.setAttribute('aria-activedescendant', option.id);
    // Not `scrollIntoView`, which would move the page, too.
    const [box, part] = [this.list.getBoundingClientRect(), option.getBoundingClientRect()];
    if (part.top < box.top) this.list.scrollTop -= box.top - part.top;
    if (part.bottom > box.bottom) this.list.scrollTop += part.bottom - box.bottom;
  }

  private open() {
    const feature = this.features[this.active];
    if (feature) this.chosen.onOpen(feature);
  }
}

/** Whether two answers tell of the same feature. */
export function same(one: Feature, other: Feature): boolean {
  return one === other || (one.id !== undefined && one.id === other.id);
}
