/** A longer number than any amount; also bounds what an exponent may unfold to. */
const maxDigits = 60;

/**
 * A decimal number in its shortest spelling, read without floats: `10.50`, `1,234.5`, `1.234,50`, `1 234,5`, `1e3`.
 * Undefined for anything else, also for `1,234`, which has two readings.
 */
export function readDecimal(text: string): string | undefined {
  const [, sign = '', body = ''] = /^([+-]?)(.*)$/s.exec(text.replace(/[\s'’_]/g, '')) ?? [];
  const plain = withPoint(body);
  const parts = plain === undefined ? null : /^(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(plain);
  if (!parts || (!parts[1] && !parts[2]) || plain!.length > maxDigits) return undefined;
  const [, whole = '', fraction = '', exponent = '0'] = parts;
  const shift = Number(exponent);
  if (Math.abs(shift) > maxDigits) return undefined;
  return spell(sign, whole + fraction, whole.length + shift);
}

/** Whether `seen` is `sent` cut or rounded to fewer decimals. Both as {@link readDecimal} gives them. */
export function isRounded(sent: string, seen: string, seenDecimals: number): boolean {
  const decimals = Math.max(decimalsOf(sent), decimalsOf(seen), seenDecimals);
  const difference = scaled(sent, decimals) - scaled(seen, decimals);
  return (difference < 0n ? -difference : difference) < 10n ** BigInt(decimals - seenDecimals);
}

/** Digits behind the point. */
export function decimalsOf(decimal: string): number {
  const point = decimal.indexOf('.');
  return point < 0 ? 0 : decimal.length - point - 1;
}

/** The text with thousands marks gone and a point before the decimals. */
function withPoint(text: string): string | undefined {
  if (!text.includes(',')) return /^\d{1,3}(\.\d{3}){2,}$/.test(text) ? text.replaceAll('.', '') : text;
  if (/^\d{1,3}(,\d{3})+\.\d*$/.test(text) || /^\d{1,3}(,\d{3}){2,}$/.test(text)) return text.replaceAll(',', '');
  if (/^\d{1,3}(\.\d{3})+,\d*$/.test(text)) return text.replaceAll('.', '').replace(',', '.');
  return /^\d*,\d*$/.test(text) && !/^\d{1,3},\d{3}$/.test(text) ? text.replace(',', '.') : undefined;
}

/** @param point Where the decimal point stands in `digits`; it may lie outside. */
function spell(sign: string, digits: string, point: number): string {
  const padded = point < 0 ? '0'.repeat(-point) + digits : digits.padEnd(point, '0');
  const at = Math.max(point, 0);
  const whole = padded.slice(0, at).replace(/^0+/, '') || '0';
  const fraction = padded.slice(at).replace(/0+$/, '');
  const size = fraction ? `${whole}.${fraction}` : whole;
  return sign === '-' && size !== '0' ? `-${size}` : size;
}

function scaled(decimal: string, decimals: number): bigint {
  const [whole = '', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}
