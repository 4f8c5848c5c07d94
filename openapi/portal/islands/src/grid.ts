// <data-grid code="…"> with a JSON list of columns: all rows of a dataset, page by page from the records API, which sorts and
// filters them. What is on the page without it stays for who has no scripts, and goes when the grid is there.
import {
  AjaxModule, ColumnCalcsModule, FilterModule, FormatModule, FrozenColumnsModule, InteractionModule, PageModule, ResizeColumnsModule,
  SortModule, Tabulator, type ColumnDefinition,
} from 'tabulator-tables';
import tabulatorCss from 'tabulator-tables/dist/css/tabulator_simple.min.css?inline';

import css from './grid.css?inline';
import { figure } from './shared/looks';
import { Refused, askInTurn, dress, element, say, trouble, whenSeen } from './shared/page';

Tabulator.registerModule([AjaxModule, ColumnCalcsModule, FilterModule, FormatModule, FrozenColumnsModule, InteractionModule, PageModule, ResizeColumnsModule, SortModule]);
dress(tabulatorCss);
dress(css);

/** Rows of a page of the API. */
const ROWS = 100;
/** How tall it is, unless it has few rows. */
const HEIGHT = '26rem';
const FEW = 10;

interface Column {
  name: string;
  title: string;
  /** `text`, `number` or `date`, by which it can be filtered; `material` names a file; `other`. */
  kind: string;
}

interface Rows {
  data: Record<string, unknown>[];
  total?: number;
  next: string | null;
}

type Filter = Record<string, unknown>;

/** What the reader typed above a column, as a condition of the API. */
function condition({ name, kind }: Column, typed: string): Filter {
  const range = /^\s*(<=|>=|<|>|=)?\s*(.+?)\s*$/.exec(typed);
  const [operator, value] = [range?.[1], range?.[2] ?? typed];
  if (kind === 'number') return { [operator ?? '=']: [name, Number.isFinite(Number(value)) ? Number(value) : value] };
  if (kind === 'date') return { [operator ?? '>=']: [name, value] };
  return operator === '=' ? { '=': [name, value] } : { like: [name, `%${typed.trim()}%`] };
}

class DataGrid extends HTMLElement {
  private columns: Column[] = [];
  private cursors: (string | null)[] = [];
  private status = element('p', { className: 'quiet' });
  private total: number | undefined;
  private loaded = 0;
  private question = '';
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private table: Tabulator | undefined;

  connectedCallback() {
    whenSeen(this, () => this.begin());
  }

  private begin() {
    const columns = this.querySelector('script[type="application/json"]')?.textContent;
    if (!columns || this.table) return;
    this.columns = JSON.parse(columns) as Column[];
    this.status.setAttribute('role', 'status');
    const [filters, holder] = [this.filters(), element('div', { className: 'grid' })];
    this.append(filters, this.status, holder);
    this.table = new Tabulator(holder, {
      height: HEIGHT, layout: 'fitDataFill', columns: this.columns.map((column) => this.header(column)), ajaxURL: this.address(), ajaxRequestFunc: (_, __, asked) => this.page(asked),
      // What is under way is told by the status: an alert is no part of a grid.
      dataLoader: false,
      progressiveLoad: 'scroll', paginationSize: ROWS, sortMode: 'remote', columnHeaderSortMulti: false,
      placeholder: () => say('没有符合条件的数据', 'No rows'),
    });
    // Until there are rows it is a grid without any: it keeps its place, and is told to nobody.
    holder.style.visibility = 'hidden';
    this.table.on('dataProcessed', () => {
      holder.style.visibility = 'visible';
      this.fit(holder);
    });
    this.table.on('tableBuilt', () => this.label(holder));
    this.table.on('dataLoadError', (cause: Error) => this.status.replaceChildren(trouble(cause)));
    this.classList.add('ready');
  }

  private address() {
    return `/api/v1/resources/${encodeURIComponent(this.getAttribute('code') ?? '')}/records`;
  }

  /** The page that the grid wants: pages are had one after the other, each by the cursor of the one before. */
  private async page(asked: { page?: number; sort?: { field: string; dir: string }[] }) {
    const sort = (asked.sort ?? []).map(({ field, dir }) => ({ item: field, descending: dir === 'desc' }));
    const filter = this.filter();
    const question = JSON.stringify([sort, filter]);
    const place = question === this.question ? Math.max(1, asked.page ?? 1) : 1;
    if (place === 1) [this.question, this.cursors, this.loaded] = [question, [null], 0];
    const cursor = this.cursors[place - 1];
    const body = { limit: ROWS, sort, ...(filter ? { filter } : {}), ...(cursor ? { cursor } : { count: true }) };
    const answer = await askInTurn(this.address(), {
      method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json' }, body: JSON.stringify(body),
    });
    const found = (await answer.json()) as Rows;
    // Meanwhile something else was asked: the grid drops this answer, too.
    if (question !== this.question) return { data: [], last_page: 1 };
    this.cursors[place] = found.next;
    if (found.total !== undefined) this.total = found.total;
    this.loaded += found.data.length;
    this.tell();
    return { data: found.data, last_page: found.next ? place + 1 : place };
  }

  private filter(): Filter | undefined {
    const parts = this.columns.flatMap((column) => {
      const typed = this.querySelector<HTMLInputElement>(`input[name="${CSS.escape(column.name)}"]`)?.value ?? '';
      return typed.trim() === '' ? [] : [condition(column, typed)];
    });
    return parts.length === 0 ? undefined : { and: parts };
  }

  /** A few rows leave no empty room below them. */
  private fit(holder: HTMLElement) {
    const [row, head] = ['.tabulator-row', '.tabulator-header'].map((part) => holder.querySelector<HTMLElement>(part)?.offsetHeight ?? 0);
    const rows = this.total ?? 0;
    // Room for the bar that scrolls sideways, too.
    const height = row && head && rows > 0 && rows <= FEW ? `${head + rows * row + 20}px` : HEIGHT;
    if (holder.style.height !== height) this.table?.setHeight(height);
  }

  private header({ name, title, kind }: Column): ColumnDefinition {
    const align = kind === 'number' ? ('right' as const) : ('left' as const);
    const isPlain = kind === 'other' || kind === 'material';
    return {
      title, field: name, hozAlign: align, headerHozAlign: align, minWidth: 90, maxWidth: 420, headerSort: !isPlain, headerSortTristate: true,
      // Text is text: nothing in a cell is read as HTML.
      titleFormatter: 'plaintext',
      formatter: (cell) => (kind === 'material' ? this.material(cell.getValue()) : text(cell.getValue())) as unknown as HTMLElement,
    };
  }

  /** The value names a file of the dataset. */
  private material(digest: unknown): Node {
    // Behind a mask it names none.
    if (typeof digest !== 'string' || !/^[0-9a-f]{64}$/i.test(digest)) return text(digest);
    const href = `/datasets/${encodeURIComponent(this.getAttribute('code') ?? '')}/versions/latest/materials/${encodeURIComponent(digest)}`;
    return element('a', { href, title: digest }, say('打开文件', 'Open the file'));
  }

  private filters() {
    const fields = this.columns.filter(({ kind }) => kind !== 'other' && kind !== 'material').map(({ name, title, kind }) => {
      const hint = { number: say('如 >=100', 'such as >=100'), date: say('如 >=2026-01-01', 'such as >=2026-01-01') }[kind] ?? say('包含……', 'contains …');
      return element('label', {}, element('span', { lang: 'zh-CN' }, title), element('input', { name, placeholder: hint, autocomplete: 'off' }));
    });
    const form = element('form', { className: 'filters' }, ...fields,
      element('button', { className: 'second' }, say('筛选', 'Filter')));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.soon();
    });
    form.addEventListener('change', () => this.soon());
    return element('details', {}, element('summary', {}, say('按列筛选', 'Filter by column')), form);
  }

  /** Enter changes and submits a field at once. */
  private soon() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => void this.again(), 100);
  }

  private async again() {
    try {
      await this.table?.setData();
    } catch (cause) {
      if (cause instanceof Refused) this.status.replaceChildren(cause.message);
    }
  }

  private tell() {
    const all = this.total === undefined ? '' : ` / ${figure(this.total)}`;
    const more = this.total !== undefined && this.loaded >= this.total ? '' : say('，向下滚动载入更多', ', scroll for more');
    this.status.replaceChildren(`${say('已载入', 'Loaded')} ${figure(this.loaded)}${all} ${say('行', 'rows')} · ${say('点击表头排序', 'click a heading to sort')}${more}`);
    this.dataset['rows'] = String(this.loaded);
    if (this.total !== undefined) this.dataset['total'] = String(this.total);
  }

  /** What the library leaves out for those who hear the table, or move in it by keys. */
  private label(holder: HTMLElement) {
    holder.setAttribute('aria-label', this.getAttribute('label') ?? say('数据', 'Rows'));
    const body = holder.querySelector<HTMLElement>('.tabulator-tableholder');
    // The part that scrolls is the one that keys reach, and is the group of rows.
    body?.setAttribute('tabindex', '0');
    body?.setAttribute('role', 'rowgroup');
    body?.querySelector('.tabulator-table')?.setAttribute('role', 'presentation');
    holder.removeAttribute('aria-owns');
    for (const head of holder.querySelectorAll<HTMLElement>('.tabulator-col.tabulator-sortable')) {
      head.tabIndex = 0;
      head.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        head.click();
      });
    }
  }
}

function text(value: unknown): Text {
  if (value === null || value === undefined) return document.createTextNode('');
  const written = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return document.createTextNode(written.length > 400 ? `${written.slice(0, 400)}…` : written);
}

customElements.define('data-grid', DataGrid);
