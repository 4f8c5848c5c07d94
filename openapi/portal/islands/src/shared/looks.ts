// The tokens of portal.css as colours that libraries understand.

export type Looks = ReturnType<typeof looks>;

/** A token's colour in the theme that is on. */
export function looks() {
  const probe = document.createElement('span');
  probe.hidden = true;
  document.body.append(probe);
  const colour = (value: string) => {
    probe.style.color = value;
    return rgb(getComputedStyle(probe).color);
  };
  const token = (name: string) => colour(`var(--${name})`);
  const [primary, accent, good, warn, ink, quiet, line, raised] =
    (['primary', 'accent', 'good', 'warn', 'ink', 'quiet', 'line', 'raised'] as const).map(token) as [
      string, string, string, string, string, string, string, string,
    ];
  const mix = (share: number) => colour(`color-mix(in srgb, var(--primary) ${share}%, var(--raised))`);
  const found = {
    primary, accent, good, warn, ink, quiet, line, raised,
    /** Series, in the order in which they are used. */
    series: [1, 2, 3, 4, 5, 6, 7, 8].map((place) => token(`series-${place}`)),
    /** From little to much. */
    steps: [18, 36, 54, 74, 100].map(mix),
    font: getComputedStyle(document.documentElement).fontFamily,
  };
  probe.remove();
  return found;
}

/** `color(srgb 0.1 0.2 0.3)`, which canvas libraries don't read, as `rgb(…)`. */
function rgb(computed: string): string {
  const parts = /^color\(srgb ([\d.e-]+) ([\d.e-]+) ([\d.e-]+)/.exec(computed);
  if (!parts) return computed;
  return `rgb(${parts.slice(1, 4).map((part) => Math.round(Number(part) * 255)).join(', ')})`;
}

/** Calls when the reader's device changes between light and dark. */
export function whenThemeChanges(call: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', call);
}

export const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** A number as the reader writes it. */
export function figure(value: number): string {
  return new Intl.NumberFormat('zh-CN', { maximumFractionDigits: 2 }).format(value);
}
