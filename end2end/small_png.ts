// Makes a screenshot small enough for a README: at most 256 colours, which a flat design hardly misses.
// Reads what Chromium writes (8 bits, RGB or RGBA, not interlaced) and writes a PNG with a palette.

import { crc32, deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const COLOURS_MAX = 256;

/** A colour as 0xRRGGBB, and how many pixels have it. */
type Colour = { rgb: number; count: number };

export function smallPng(png: Buffer): Buffer {
  const { width, height, pixels } = read(png);
  const counts = new Map<number, number>();
  for (const rgb of pixels) counts.set(rgb, (counts.get(rgb) ?? 0) + 1);
  const boxes = cut([...counts].map(([rgb, count]) => ({ rgb, count })));
  const palette = boxes.map(average);
  const index = new Map(boxes.flatMap((box, at) => box.map(({ rgb }) => [rgb, at] as const)));
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows[y * (width + 1) + 1 + x] = index.get(pixels[y * width + x]!)!;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(palette.flatMap((rgb) => [rgb >> 16, (rgb >> 8) & 255, rgb & 255]))),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Median cut: the box whose widest channel, weighed by its pixels, is the widest is halved until there are enough. */
function cut(colours: Colour[]): Colour[][] {
  const boxes = [colours];
  const weight = (box: Colour[]) => (box.length < 2 ? 0 : widest(box).width * Math.sqrt(pixelsOf(box)));
  while (boxes.length < COLOURS_MAX) {
    const [box, at] = boxes.reduce<[Colour[], number]>(
      (best, box, at) => (weight(box) > weight(best[0]) ? [box, at] : best),
      [boxes[0]!, 0],
    );
    if (weight(box) === 0) break;
    const { shift } = widest(box);
    const sorted = [...box].sort((a, b) => ((a.rgb >> shift) & 255) - ((b.rgb >> shift) & 255));
    const half = pixelsOf(sorted) / 2;
    let seen = 0;
    let middle = 1;
    while (middle < sorted.length - 1 && (seen += sorted[middle - 1]!.count) < half) middle += 1;
    boxes.splice(at, 1, sorted.slice(0, middle), sorted.slice(middle));
  }
  return boxes;
}

function widest(box: Colour[]): { shift: number; width: number } {
  return [16, 8, 0]
    .map((shift) => {
      const values = box.map(({ rgb }) => (rgb >> shift) & 255);
      return { shift, width: values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b)) };
    })
    .reduce((a, b) => (b.width > a.width ? b : a));
}

function pixelsOf(box: Colour[]): number {
  return box.reduce((sum, { count }) => sum + count, 0);
}

function average(box: Colour[]): number {
  const all = pixelsOf(box);
  const mean = (shift: number) => Math.round(box.reduce((sum, { rgb, count }) => sum + ((rgb >> shift) & 255) * count, 0) / all);
  return (mean(16) << 16) | (mean(8) << 8) | mean(0);
}

/** The pixels, row by row, as 0xRRGGBB. */
export function read(png: Buffer): { width: number; height: number; pixels: Uint32Array } {
  const data: Buffer[] = [];
  let header = Buffer.alloc(0);
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const kind = png.toString("latin1", at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") header = Buffer.from(body);
    if (kind === "IDAT") data.push(body);
    at += length + 12;
  }
  const [width, height, channels] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9] === 6 ? 4 : 3];
  if (header[8] !== 8 || header[12] !== 0 || ![2, 6].includes(header[9]!)) throw new Error("not a PNG as Chromium writes it");
  const bytes = unfilter(inflateSync(Buffer.concat(data)), width * channels, channels);
  const pixels = new Uint32Array(width * height);
  for (let pixel = 0; pixel < pixels.length; pixel += 1) {
    pixels[pixel] = bytes.readUIntBE(pixel * channels, 3);
  }
  return { width, height, pixels };
}

/** Undoes what PNG does to each row so that it compresses well. */
function unfilter(rows: Buffer, stride: number, channels: number): Buffer {
  const height = rows.length / (stride + 1);
  const bytes = Buffer.alloc(height * stride);
  for (let y = 0; y < height; y += 1) {
    const filter = rows[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x;
      const left = x < channels ? 0 : bytes[at - channels]!;
      const above = y === 0 ? 0 : bytes[at - stride]!;
      const corner = x < channels || y === 0 ? 0 : bytes[at - stride - channels]!;
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter!]!;
      bytes[at] = (rows[y * (stride + 1) + 1 + x]! + guess) & 255;
    }
  }
  return bytes;
}

function paeth(left: number, above: number, corner: number): number {
  const [toLeft, toAbove, toCorner] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

function chunk(kind: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(kind, "latin1"), body]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
