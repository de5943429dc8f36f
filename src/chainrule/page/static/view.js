// A drawing is seen through a window that can be moved and that comes nearer or goes farther.

const NEAREST = 4;
const FARTHEST = 0.15;
/** Nearer than this nothing is shown at first: small graphs stay small. */
const LARGEST_FIT = 1.35;
/** Where all of a drawing would be smaller than this, a part is shown at first, large enough to be read. */
const SMALLEST_FIT = 0.55;
const LEGIBLE = 0.75;
const MARGIN = 24;
/** So far from the window a thing may be seen in part. */
const REACH = 80;
/** So much of a drawing is empty at its edges. */
const BLANK = 8;
/** Of the window: while the reader practises, the question is to be in sight, too. */
const HIGHEST = 0.56;
const HIGHEST_OF_PRACTICE = 0.42;

/** The window onto one drawing. */
export class View {
  /**
   * @param {HTMLElement} frame  What the drawing is seen through.
   * @param {() => SVGGraphicsElement | null} first  What is in the middle where a part is shown at first.
   * @param {(isPart: boolean) => void} tell  Is told whether something is out of sight.
   * @param {AbortSignal} signal  Ends all listening.
   */
  constructor(frame, first, tell, signal) {
    this.frame = frame;
    this.first = first;
    this.tell = tell;
    /** @type {SVGSVGElement | null} */
    this.svg = null;
    this.size = { width: 1, height: 1 };
    this.scale = 1;
    this.left = 0;
    this.top = 0;
    /** What is seen. */
    this.part = { left: 0, top: 0, width: 0, height: 0 };
    /** What is done when the frame has another size. */
    this.again = () => this.open();
    this.listen(signal);
    // On paper there is no window: all of it is there.
    this.isOnPaper = false;
    for (const moment of ["beforeprint", "afterprint"]) {
      window.addEventListener(
        moment,
        () => {
          this.isOnPaper = moment === "beforeprint";
          this.again();
        },
        { signal },
      );
    }
    const observer = new ResizeObserver(() => this.again());
    observer.observe(frame);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /**
   * @param {SVGSVGElement} svg
   * @param {{ width: number, height: number }} size
   */
  show(svg, size) {
    this.svg = svg;
    this.size = size;
    this.frame.style.setProperty("--widest", `${Math.round(size.width * LARGEST_FIT)}px`);
    this.open();
  }

  /** How large a whole drawing can be shown. @param {{ width: number, height: number }} size */
  fitOf({ width, height }) {
    const across = this.frame.clientWidth || window.innerWidth;
    return Math.min(across / width, this.highest / height, LARGEST_FIT);
  }

  /** The most height that the frame takes. */
  get highest() {
    return window.innerHeight * (this.frame.closest(".practising") ? HIGHEST_OF_PRACTICE : HIGHEST);
  }

  /** Shows the whole drawing where it can be read so, else a part of it. */
  open() {
    const whole = this.fitOf(this.size);
    const isLegible = whole >= SMALLEST_FIT;
    const scale = isLegible ? whole : LEGIBLE;
    this.frame.style.height = `${Math.round(Math.max(180, Math.min(this.size.height * scale, this.highest)))}px`;
    const { x, y, width, height } = (isLegible ? null : this.first()?.getBBox()) ?? { x: 0, y: 0, ...this.size };
    this.look(scale, x + width / 2, y + height / 2);
    this.again = () => this.open();
  }

  /** Shows the whole drawing. */
  fit() {
    const { width, height } = this.size;
    this.look(this.fitOf(this.size), width / 2, height / 2);
    this.again = () => this.fit();
  }

  /**
   * Looks at a point; no more is seen beyond an edge of the drawing than there is to spare.
   * @param {number} scale
   * @param {number} x
   * @param {number} y
   */
  look(scale, x, y) {
    const { width, height } = this.size;
    const [wide, high] = [this.frame.clientWidth / scale, this.frame.clientHeight / scale];
    this.scale = scale;
    this.left = wide >= width ? (width - wide) / 2 : within(x - wide / 2, 0, width - wide);
    this.top = high >= height ? (height - high) / 2 : within(y - high / 2, 0, height - high);
    this.apply();
  }

  /**
   * Comes nearer or goes farther; a point of the frame stays where it is.
   * @param {number} factor
   * @param {number} [x]
   * @param {number} [y]
   */
  zoom(factor, x = this.frame.clientWidth / 2, y = this.frame.clientHeight / 2) {
    const scale = Math.min(NEAREST, Math.max(Math.min(FARTHEST, this.fitOf(this.size)), this.scale * factor));
    this.left += x / this.scale - x / scale;
    this.top += y / this.scale - y / scale;
    this.scale = scale;
    this.move();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    this.left -= dx / this.scale;
    this.top -= dy / this.scale;
    this.move();
  }

  /** Stays where the reader has moved it. */
  move() {
    this.again = () => this.apply();
    this.apply();
  }

  /** Whether a point is in sight, or nearly so. @param {{ x: number, y: number }} point */
  shows({ x, y }) {
    const { left, top, width, height } = this.part;
    return x > left - REACH && x < left + width + REACH && y > top - REACH && y < top + height + REACH;
  }

  /** Moves as little as is needed to see a part of the drawing. @param {SVGGraphicsElement} part */
  reveal(part) {
    const { x, y, width, height } = part.getBBox();
    const [wide, high] = [this.frame.clientWidth / this.scale, this.frame.clientHeight / this.scale];
    const margin = MARGIN / this.scale;
    const left = within(this.left, x + width + margin - wide, x - margin);
    const top = within(this.top, y + height + margin - high, y - margin);
    if (left !== this.left || top !== this.top) {
      [this.left, this.top] = [left, top];
      this.apply();
    }
  }

  apply() {
    const [wide, high] = [this.frame.clientWidth / this.scale, this.frame.clientHeight / this.scale];
    // Some of the drawing stays in sight, wherever it is moved.
    this.left = Math.min(Math.max(this.left, 60 - wide), this.size.width - 60);
    this.top = Math.min(Math.max(this.top, 60 - high), this.size.height - 60);
    const { width, height } = this.size;
    this.part = this.isOnPaper ? { left: 0, top: 0, width, height } : { left: this.left, top: this.top, width: wide, height: high };
    this.svg?.setAttribute("viewBox", Object.values(this.part).map((length) => length.toFixed(2)).join(" "));
    this.tell(this.left > BLANK || this.top > BLANK || this.left + wide < width - BLANK || this.top + high < height - BLANK);
  }

  /** @param {AbortSignal} signal */
  listen(signal) {
    /** @type {Map<number, PointerEvent>} */
    const pointers = new Map();
    const { frame } = this;
    frame.addEventListener(
      "pointerdown",
      (event) => {
        if (event.button === 0 && !(event.target instanceof Element && event.target.closest("button"))) {
          pointers.set(event.pointerId, event);
        }
      },
      { signal },
    );
    frame.addEventListener(
      "pointermove",
      (event) => {
        const before = pointers.get(event.pointerId);
        if (!before) {
          return;
        }
        const other = [...pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
        if (other) {
          const { left, top } = frame.getBoundingClientRect();
          const factor = apart(event, other) / Math.max(1, apart(before, other));
          this.zoom(factor, (event.clientX + other.clientX) / 2 - left, (event.clientY + other.clientY) / 2 - top);
        }
        this.pan(event.clientX - before.clientX, event.clientY - before.clientY);
        pointers.set(event.pointerId, event);
        frame.classList.add("moving");
      },
      { signal },
    );
    const release = (/** @type {PointerEvent} */ event) => {
      pointers.delete(event.pointerId);
      if (!pointers.size) {
        // After the click that ends a move, so that it selects nothing.
        requestAnimationFrame(() => frame.classList.remove("moving"));
      }
    };
    window.addEventListener("pointerup", release, { signal });
    window.addEventListener("pointercancel", release, { signal });
    frame.addEventListener(
      "wheel",
      (event) => {
        if (event.ctrlKey || event.metaKey) {
          event.preventDefault();
          const { left, top } = frame.getBoundingClientRect();
          this.zoom(Math.exp(-event.deltaY / 300), event.clientX - left, event.clientY - top);
        } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
          event.preventDefault();
          this.pan(-event.deltaX, 0);
        }
      },
      { signal, passive: false },
    );
  }
}

/**
 * The nearest number between two; the lower one where there is none.
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function within(value, low, high) {
  return low > high ? high : Math.max(low, Math.min(value, high));
}

/**
 * @param {PointerEvent} one
 * @param {PointerEvent} other
 */
function apart(one, other) {
  return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
}
