// The arrow keys go through the drawing along its edges: to operands, to users, to what is beside.

/** @typedef {import("./drawing.js").Drawing} Drawing */
/** @typedef {"operands" | "users" | "before" | "after"} Way */

/** By the direction of values. @type {Record<string, Record<string, Way>>} */
const WAYS = {
  right: { ArrowLeft: "operands", ArrowRight: "users", ArrowUp: "before", ArrowDown: "after" },
  down: { ArrowUp: "operands", ArrowDown: "users", ArrowLeft: "before", ArrowRight: "after" },
};

/**
 * Makes boxes react to keys, clicks and the pointer.
 * @param {Drawing} drawing
 */
export function listenToArrows(drawing) {
  const { frame, page } = drawing;
  const { store, signal } = page;
  const listen = (/** @type {string} */ type, /** @type {(event: any) => void} */ react) =>
    frame.addEventListener(type, react, { signal });
  listen("keydown", (event) => onKey(drawing, event));
  listen("click", (event) => {
    const slot = boxAt(drawing, event.target);
    if (!frame.classList.contains("moving")) {
      store.change({ selected: slot === store.state.selected ? null : slot });
    }
  });
  listen("pointerover", (event) => {
    if (event.pointerType === "mouse") {
      store.change({ hovered: boxAt(drawing, event.target) });
    }
  });
  listen("pointerleave", () => store.change({ hovered: null }));
  listen("focusin", (event) => {
    const box = drawing.boxes.find(({ group }) => group === event.target);
    if (box) {
      makeReachable(drawing, box.group);
      drawing.view.reveal(box.group);
    }
  });
}

/**
 * @param {Drawing} drawing
 * @param {KeyboardEvent} event
 */
function onKey(drawing, event) {
  const { store } = drawing.page;
  const slot = boxAt(drawing, event.target);
  if (slot === null || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const way = WAYS[drawing.picture?.direction ?? "right"][event.key];
  if (way) {
    const next = neighbour(drawing, slot, way);
    if (next !== null) {
      focusBox(drawing, next);
    }
  } else if (event.key === "Home" || event.key === "End") {
    focusBox(drawing, event.key === "Home" ? drawing.page.content.forward[0] : drawing.page.content.outputs[0]);
  } else if (event.key === "Enter" || event.key === " ") {
    store.change({ selected: slot === store.state.selected ? null : slot });
  } else if (event.key === "Escape") {
    store.change({ selected: null, hovered: null });
    if (document.activeElement instanceof SVGElement) {
      document.activeElement.blur();
    }
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

/**
 * The node that an arrow key goes to; null where there is none.
 * @param {Drawing} drawing
 * @param {number} slot
 * @param {Way} way
 */
function neighbour(drawing, slot, way) {
  const { edges } = drawing.page.content;
  const here = centre(drawing, slot);
  const across = drawing.picture?.direction === "down" ? 0 : 1;
  if (way === "operands" || way === "users") {
    const linked = edges.flatMap(({ user, operand }) => {
      return way === "operands" && user === slot ? [operand] : way === "users" && operand === slot ? [user] : [];
    });
    return nearest(drawing, here, linked.filter((one) => one !== slot));
  }
  // Nodes with a user or an operand in common stand beside each other, else all that do.
  const around = new Set(edges.flatMap(({ user, operand }) => (user === slot ? [operand] : operand === slot ? [user] : [])));
  const kin = edges.flatMap(({ user, operand }) => [...(around.has(user) ? [operand] : []), ...(around.has(operand) ? [user] : [])]);
  const sign = way === "before" ? -1 : 1;
  const isBeside = (/** @type {number} */ one) => (centre(drawing, one)[across] - here[across]) * sign > 1;
  return (
    nearest(drawing, here, kin.filter(isBeside)) ??
    nearest(drawing, here, drawing.boxes.map((box) => box.slot).filter(isBeside))
  );
}

/**
 * @param {Drawing} drawing
 * @param {number[]} here
 * @param {number[]} slots
 */
function nearest(drawing, here, slots) {
  const distance = (/** @type {number} */ slot) => {
    const [x, y] = centre(drawing, slot);
    return Math.hypot(x - here[0], y - here[1]);
  };
  return slots.length ? slots.reduce((best, slot) => (distance(slot) < distance(best) ? slot : best)) : null;
}

/**
 * @param {Drawing} drawing
 * @param {number} slot
 */
function centre(drawing, slot) {
  const box = drawing.boxOf(slot)?.getBBox();
  return box ? [box.x + box.width / 2, box.y + box.height / 2] : [Infinity, Infinity];
}

/**
 * @param {Drawing} drawing
 * @param {number} slot
 */
function focusBox(drawing, slot) {
  const group = drawing.boxOf(slot);
  if (group) {
    makeReachable(drawing, group);
    group.focus({ preventScroll: false });
  }
}

/** Of all boxes one is reached with Tab. @param {Drawing} drawing @param {SVGGElement} chosen */
function makeReachable(drawing, chosen) {
  for (const { group } of drawing.boxes) {
    group.setAttribute("tabindex", group === chosen ? "0" : "-1");
  }
}

/**
 * The node of the box that something is in.
 * @param {Drawing} drawing
 * @param {EventTarget | null} target
 */
function boxAt(drawing, target) {
  const group = target instanceof Element ? target.closest(".box") : null;
  return drawing.boxes.find((box) => box.group === group)?.slot ?? null;
}
