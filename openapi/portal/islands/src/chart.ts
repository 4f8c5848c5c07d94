// <data-chart kind="bars|line|area"> around a table: its rows drawn. The table stays, for whoever does not see pictures.
// <data-profile href="…"> brings the chart of another page when it comes into view. <chart-builder> around a form and #chart
// shows what is chosen at once and keeps it in the address.
import { BarChart, LineChart } from 'echarts/charts';
import { AriaComponent, DataZoomComponent, GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import { init, use, type EChartsType } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';

import { callByName, outlinesOf } from './shared/divisions';
import { calm, figure, looks, whenThemeChanges } from './shared/looks';
import { element, page, say, swap, trouble, whenSeen } from './shared/page';

use([BarChart, LineChart, AriaComponent, DataZoomComponent, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

interface Drawn {
  categories: string[];
  series: { name: string; values: (number | null)[] }[];
}

/** The first column names what the others count; `data-value` holds a number as it is. */
function read(table: HTMLTableElement): Drawn {
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])].slice(1);
  const rows = [...(table.tBodies[0]?.rows ?? [])];
  const value = (cell: HTMLTableCellElement | undefined) => {
    const text = cell?.dataset['value'];
    return text === undefined || text === '' ? null : Number(text);
  };
  const text = (cell: HTMLElement | undefined) => shortened(cell?.textContent?.trim() ?? '');
  // A code that has got a name beside it is called by that.
  const called = (cell: HTMLTableCellElement | undefined) => text(cell?.querySelector<HTMLElement>('.quiet') ?? cell);
  return {
    categories: rows.map((row) => called(row.cells[0])),
    series: heads.map((head, place) => ({
      name: called(head),
      values: rows.map((row) => value(row.cells[place + 1])),
    })),
  };
}

/** What a picture has room for; the table has all of it. */
function shortened(text: string): string {
  const letters = [...text];
  return letters.length > 24 ? `${letters.slice(0, 23).join('')}…` : text;
}

class DataChart extends HTMLElement {
  private chart: EChartsType | undefined;
  private observer: ResizeObserver | undefined;

  connectedCallback() {
    const table = this.querySelector('table');
    if (!table || this.chart) return;
    const drawn = read(table);
    if (drawn.categories.length === 0 || drawn.series.every(({ values }) => values.every((value) => value === null))) return;
    const canvas = element('div', { className: 'canvas' });
    canvas.setAttribute('role', 'img');
    const caption = table.caption?.textContent?.trim() ?? '';
    canvas.setAttribute('aria-label', `${caption} ${say('（数据见下表）', '(the table below has the data)')}`);
    this.prepend(canvas);
    this.chart = init(canvas, undefined, { renderer: 'canvas' });
    this.draw(drawn);
    this.addEventListener('named', () => this.draw(read(table)));
    this.dataset['bars'] = String(drawn.categories.length);
    this.observer = new ResizeObserver(() => this.chart?.resize());
    this.observer.observe(canvas);
    whenThemeChanges(() => this.draw(read(table)));
  }

  disconnectedCallback() {
    this.observer?.disconnect();
    this.chart?.dispose();
    this.chart = undefined;
  }

  private draw({ categories, series }: Drawn) {
    const look = looks();
    const kind = this.getAttribute('kind') ?? 'bars';
    const isLine = kind === 'line' || kind === 'area';
    const isSideways = kind === 'bars' && !this.hasAttribute('dense') && categories.some((category) => [...category].length > 6);
    const text = { color: look.quiet, fontFamily: look.font };
    const line = { lineStyle: { color: look.line } };
    const names = {
      type: 'category' as const, data: categories, axisLine: line, axisTick: { show: false }, inverse: isSideways,
      axisLabel: { ...text, hideOverlap: true },
    };
    const numbers = { type: 'value' as const, axisLabel: { ...text, formatter: brief }, splitLine: line };
    const many = categories.length > 40;
    this.chart?.setOption({
      animation: !calm(), color: look.series, textStyle: text,
      grid: { left: 8, right: 20, top: series.length > 1 ? 36 : 12, bottom: many && !isSideways ? 44 : 8, containLabel: true },
      // Drawn on the canvas: a tooltip of HTML would need styles that the policy refuses.
      tooltip: {
        trigger: 'axis', renderMode: 'richText', confine: true, backgroundColor: look.raised, borderColor: look.line,
        textStyle: { color: look.ink, fontFamily: look.font }, valueFormatter: (value: unknown) => (typeof value === 'number' ? figure(value) : '–'),
      },
      legend: series.length > 1 ? { type: 'scroll', top: 0, textStyle: text, pageTextStyle: text } : undefined,
      xAxis: isSideways ? numbers : names, yAxis: isSideways ? names : numbers,
      dataZoom: many ? [{ type: 'slider', height: 18, ...(isSideways ? { yAxisIndex: 0, width: 14, startValue: 0, endValue: 20 } : {}), textStyle: text }] : [],
      series: series.map(({ name, values }, place) => ({
        name, data: values, type: isLine ? ('line' as const) : ('bar' as const), stack: series.length > 1 && !isLine ? 'all' : undefined, smooth: false,
        symbolSize: 5, showSymbol: categories.length < 60, areaStyle: kind === 'area' ? { opacity: 0.15 } : undefined,
        ...(this.hasAttribute('dense') ? { barCategoryGap: '2%' } : { barMaxWidth: 34, barCategoryGap: '30%' }),
        itemStyle: { borderRadius: 2 }, lineStyle: { width: 2, type: (['solid', 'dashed', 'dotted'] as const)[Math.floor(place / 3) % 3] },
      })),
    }, { notMerge: true });
  }
}

/** 12,000 as 1.2万, or as 12K. */
function brief(value: number): string {
  const locale = document.documentElement.lang === 'en' ? 'en' : 'zh-CN';
  return new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

class DataProfile extends HTMLElement {
  private isAsked = false;

  connectedCallback() {
    whenSeen(this, () => void this.load());
  }

  private async load() {
    const address = this.getAttribute('href');
    if (!address || this.isAsked) return;
    this.isAsked = true;
    this.setAttribute('aria-busy', 'true');
    try {
      const found = (await page(address)).querySelector('data-chart');
      if (found) {
        const chart = document.importNode(found, true);
        const table = chart.querySelector('.scroll');
        const details = element('details', {}, element('summary', {}, say('数据表', 'Table')));
        if (table) details.append(table);
        chart.append(details);
        this.append(chart);
        const outlines = found.closest('data-choropleth')?.getAttribute('outlines');
        const codes = chart.querySelector('table');
        // A chart without the names is still one.
        if (outlines && codes) void outlinesOf(outlines).then((areas) => callByName(codes, areas), () => undefined);
      } else {
        this.append(trouble(say('没有可以统计的数据', 'there is nothing to count')));
      }
    } catch (cause) {
      this.append(trouble(cause));
    }
    this.removeAttribute('aria-busy');
  }
}

class ChartBuilder extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector('form');
    // Until something is chosen, what the form names first is drawn.
    if (form && document.querySelector('#chart > .empty') && !new URLSearchParams(location.search).get('x')) void this.show(form);
    form?.addEventListener('change', () => {
      // A sum is one of something.
      const [how, of] = ['how', 'y'].map((name) => form.querySelector<HTMLSelectElement>(`select[name="${name}"]`));
      if (how && of && how.value !== 'count' && of.value === '' && of.options.length > 1) of.selectedIndex = 1;
      void this.show(form);
    });
    form?.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.show(form);
    });
  }

  private async show(form: HTMLFormElement) {
    const fields = [...new FormData(form)].filter(([, value]) => value !== '') as [string, string][];
    const address = `${form.action}?${new URLSearchParams(fields).toString()}`;
    history.replaceState(null, '', address);
    const region = document.getElementById('chart');
    region?.setAttribute('aria-busy', 'true');
    try {
      swap(await page(address), ['chart']);
    } catch (cause) {
      region?.replaceChildren(trouble(cause));
    }
    region?.removeAttribute('aria-busy');
  }
}

customElements.define('data-chart', DataChart);
customElements.define('data-profile', DataProfile);
customElements.define('chart-builder', ChartBuilder);
