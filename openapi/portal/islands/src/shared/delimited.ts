// The beginning of a file of text, cut where a row ends, and its rows.

/** Bytes that are looked at: as many as the server checks at once. */
export const BYTES = 1 << 20;
/** Rows that are looked at, the header aside. */
export const ROWS = 1_000;

const [QUOTE, LINE_END] = [0x22, 0x0a];

/** How many of these bytes hold whole rows, `most` at most; 0 where the first does not end. Neither quotes nor line ends are parts of
 * other characters, in UTF-8 as in GB18030. */
export function wholeRows(bytes: Uint8Array, isAll: boolean, most: number, hasQuotes: boolean): number {
  let [end, rows, isQuoted] = [0, 0, false];
  for (let place = 0; place < bytes.length; place += 1) {
    if (hasQuotes && bytes[place] === QUOTE) isQuoted = !isQuoted;
    if (bytes[place] !== LINE_END || isQuoted) continue;
    [end, rows] = [place + 1, rows + 1];
    if (rows === most) return end;
  }
  return isAll ? bytes.length : end;
}

/** The text of bytes in UTF-8 or, where they are not that, GB18030; nothing for UTF-16. */
export function decoded(bytes: Uint8Array): string | undefined {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('gb18030').decode(bytes);
  }
}

/** A row, and the line at which it begins, from 1: as the server counts. */
export interface Row {
  line: number;
  fields: string[];
}

/** The rows of a text, the header among them. */
export function rowsOf(text: string, delimiter: string): Row[] {
  const rows: Row[] = [];
  let [line, place] = [1, 0];
  while (place < text.length) {
    if (text[place] === '\n' || text[place] === '\r') {
      if (text[place] === '\n') line += 1;
      place += 1;
      continue;
    }
    const row: Row = { line, fields: [] };
    let [field, isQuoted, isDone] = ['', false, false];
    for (; place < text.length && !isDone; place += 1) {
      const sign = text[place] as string;
      if (sign === '\n') line += 1;
      if (isQuoted) {
        if (sign !== '"') field += sign;
        else if (text[place + 1] === '"') [field, place] = [`${field}"`, place + 1];
        else isQuoted = false;
      } else if (sign === '"' && field === '') isQuoted = true;
      else if (sign === delimiter) {
        row.fields.push(field);
        field = '';
      } else if (sign === '\n') isDone = true;
      else if (sign !== '\r') field += sign;
    }
    row.fields.push(field);
    rows.push(row);
  }
  return rows;
}

/** The sign under which the header names most of the items, as the server chooses it. */
export function delimiterOf(text: string, isItem: (name: string) => boolean): string {
  const header = text.split(/[\r\n]/, 1)[0] ?? '';
  const named = (sign: string) => header.split(sign).filter((name) => isItem(name.replace(/^"|"$/g, '').trim())).length;
  return [',', '\t', ';', '|'].reduce((best, sign) => (named(sign) > named(best) ? sign : best));
}
