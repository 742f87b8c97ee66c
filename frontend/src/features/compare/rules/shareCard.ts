/** The picture to share after five galaxies: the mean error, and each error as a dot. It shows no galaxy, so it gives no answer away. */

import { signed, type Sum } from "./feedback";

export const CARD_PX = 640;
/** The distance from the middle line to the edge of the figure. */
const SPAN_DEG = 15;
const INK = { sky: "#0b0e14", line: "#5b6880", text: "#e7ecf5", dim: "#93a0b8", gold: "#f4c84a" };
const FACE = 'Inter, system-ui, -apple-system, "Segoe UI", sans-serif';

export interface Card {
  title: string;
  sum: Sum;
  errorsDeg: readonly (number | null)[];
  host: string;
}

/** Where a dot lies: 0 in the middle, 1 at the top (too narrow), -1 at the bottom (too round). */
export const heightOf = (errorDeg: number): number => Math.min(Math.max(errorDeg / SPAN_DEG, -1), 1);

export function cardWords({ title, sum, errorsDeg }: Card): string {
  const each = errorsDeg.map((error) => (error === null ? "rejected" : signed(error))).join(", ");
  return `${title}: mean error ${sum.meanDeg === null ? "none" : `${sum.meanDeg.toFixed(1)}°`}; ${each}`;
}

export function drawCard(canvas: HTMLCanvasElement, card: Card): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const write = (text: string, x: number, y: number, px: number, colour: string, weight = 400) => {
    context.font = `${weight} ${px}px ${FACE}`;
    context.fillStyle = colour;
    context.fillText(text, x, y);
  };
  const line = (fromX: number, fromY: number, toX: number, toY: number) => {
    context.beginPath();
    context.moveTo(fromX, fromY);
    context.lineTo(toX, toY);
    context.stroke();
  };
  context.fillStyle = INK.sky;
  context.fillRect(0, 0, CARD_PX, CARD_PX);
  context.textAlign = "center";
  context.strokeStyle = INK.line;
  context.lineWidth = 2;
  write(card.title, CARD_PX / 2, 78, 30, INK.dim, 560);
  write(card.sum.meanDeg === null ? "–" : `${card.sum.meanDeg.toFixed(1)}°`, CARD_PX / 2, 196, 110, INK.gold, 650);
  write("mean error", CARD_PX / 2, 242, 26, INK.dim);
  const [middle, half, margin] = [410, 96, 84];
  line(margin - 20, middle, CARD_PX - margin + 20, middle);
  card.errorsDeg.forEach((error, place) => {
    const x = margin + ((CARD_PX - 2 * margin) * (place + 0.5)) / card.errorsDeg.length;
    if (error === null) return write("–", x, middle - 14, 30, INK.dim);
    const y = middle - half * heightOf(error);
    line(x, middle, x, y);
    context.fillStyle = INK.gold;
    context.beginPath();
    context.arc(x, y, 13, 0, 2 * Math.PI);
    context.fill();
    return write(signed(error), x, error < 0 ? y + 46 : y - 24, 26, INK.text, 560);
  });
  write(`How far is a galaxy tilted? · ${card.host}`, CARD_PX / 2, CARD_PX - 36, 22, INK.dim);
}
