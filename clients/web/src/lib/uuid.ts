/**
 * A UUID of version 7 from the clock and the browser's random source.
 * `crypto.randomUUID` is absent on plain-http pages other than localhost,
 * where Drumbeat may well run inside a network; `getRandomValues` is not.
 */
export function uuidv7(now: Date = new Date()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const view = new DataView(bytes.buffer);
  const millis = now.getTime();
  view.setUint16(0, Math.floor(millis / 2 ** 32));
  view.setUint32(2, millis >>> 0);
  view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f));
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
