// What part of a drawing is seen, and how large: dragged, wheeled, fitted.
import { signal } from '@preact/signals';

export interface View {
  x: number;
  y: number;
  k: number; // pixels a unit
}

const LEAST = 0.02;
const MOST = 2.5;
const MARGIN = 16;

export class Viewport {
  readonly view = signal<View>({ x: 0, y: 0, k: 1 });
  width = 0;
  height = 0;
  dragged = false; // since the pointer went down: a drag is no click
  private from: { x: number; y: number; id: number } | undefined;

  // A box that is not shown yet has no size: nothing is fitted to it, or brought into its view.
  get hasSize(): boolean {
    return this.width > 0 && this.height > 0;
  }

  fit(width: number, height: number, most = 1) {
    if (width <= 0 || height <= 0 || !this.hasSize) return;
    const k = Math.min(
      most,
      (this.width - 2 * MARGIN) / width,
      (this.height - 2 * MARGIN) / height,
    );
    this.view.value = {
      k: Math.max(LEAST, k),
      x: (this.width - width * k) / 2,
      y: (this.height - height * k) / 2,
    };
  }

  center(x: number, y: number, k = this.view.value.k) {
    this.view.value = { k, x: this.width / 2 - x * k, y: this.height / 2 - y * k };
  }

  // From the beginning of a drawing that does not fit.
  begin(width: number, height: number, k: number) {
    const start = (whole: number, room: number) => Math.max(MARGIN, (room - whole * k) / 2);
    this.view.value = { k, x: start(width, this.width), y: start(height, this.height) };
  }

  shows(x: number, y: number): boolean {
    const { k, ...at } = this.view.value;
    const left = x * k + at.x;
    const top = y * k + at.y;
    return left > 60 && top > 30 && left < this.width - 60 && top < this.height - 30;
  }

  // Moves no more than it must to have the point in view.
  reveal(x: number, y: number) {
    if (this.hasSize && !this.shows(x, y)) this.center(x, y);
  }

  zoom(by: number, x = this.width / 2, y = this.height / 2) {
    const { view } = this;
    const k = Math.min(MOST, Math.max(LEAST, view.value.k * by));
    const ratio = k / view.value.k;
    view.value = { k, x: x - (x - view.value.x) * ratio, y: y - (y - view.value.y) * ratio };
  }

  // Takes the element's size at once and whenever it changes; `resize` calls what it is given to
  // have it taken, so that it may look at the view before and after.
  attach(element: HTMLElement, resize: (take: () => void) => void): () => void {
    const aborter = new AbortController();
    const { signal } = aborter;
    const take = () => {
      this.width = element.clientWidth;
      this.height = element.clientHeight;
    };
    const observer = new ResizeObserver(() => resize(take));
    resize(take);
    observer.observe(element);
    element.addEventListener('wheel', this.wheel, { passive: false, signal });
    element.addEventListener('pointerdown', this.down, { signal });
    element.addEventListener('pointermove', this.move, { signal });
    element.addEventListener('pointerup', this.up, { signal });
    element.addEventListener('pointercancel', this.up, { signal });
    return () => {
      observer.disconnect();
      aborter.abort();
    };
  }

  private wheel = (event: WheelEvent) => {
    event.preventDefault();
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const by = Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015));
    this.zoom(by, event.clientX - box.left, event.clientY - box.top);
  };

  private down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    this.dragged = false;
    this.from = { x: event.clientX, y: event.clientY, id: event.pointerId };
  };

  private move = (event: PointerEvent) => {
    if (!this.from || this.from.id !== event.pointerId) return;
    const dx = event.clientX - this.from.x;
    const dy = event.clientY - this.from.y;
    if (!this.dragged && Math.abs(dx) + Math.abs(dy) < 4) return;
    if (!this.dragged) (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    this.dragged = true;
    this.from = { x: event.clientX, y: event.clientY, id: event.pointerId };
    const { view } = this;
    view.value = { ...view.value, x: view.value.x + dx, y: view.value.y + dy };
  };

  private up = () => (this.from = undefined);
}
