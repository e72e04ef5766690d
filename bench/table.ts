/** What a benchmark found, for people and for programs: a row each, a key each column. */
export interface Table {
  readonly title: string;
  /** What one has to know to read it right. */
  readonly note?: string;
  readonly rows: readonly Readonly<Record<string, Cell>>[];
}

export type Cell = string | number | undefined;

/** As fixed columns of text: numbers to the right, with three significant digits. */
export function formatTable({ title, note, rows }: Table): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => formatCell(row[column])))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  const isNumber = columns.map((column) => rows.some((row) => typeof row[column] === 'number'));
  const text = lines.map((line) =>
    line
      .map((cell, index) => (isNumber[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return [title, ...(note === undefined ? [] : [`  ${note}`]), ...text.map((line) => `  ${line}`)].join('\n');
}

function formatCell(cell: Cell): string {
  if (cell === undefined) return '-';
  if (typeof cell === 'string') return cell;
  if (!Number.isFinite(cell)) return '-';
  return Math.abs(cell) >= 100 ? String(Math.round(cell)) : String(Number(cell.toPrecision(3)));
}
