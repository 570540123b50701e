// What can be seen of a page: only -> {elements, lines, layer}; boxes are [x1, y1, x2, y2] in
// pixels of the screenshot. With the name of an element, it alone. Nothing is changed.
(only) => {
  const scale = window.devicePixelRatio;
  const scaled = (r) => [r.left, r.top, r.right, r.bottom].map((side) => side * scale);
  const squeezed = (text) => (text || "").replace(/\s+/g, " ").trim();

  // The part of a rectangle that no scrolling ancestor and no edge of the screen cuts off.
  const visiblePart = (element, rect) => {
    let { left, top, right, bottom } = rect;
    const cut = (r) => {
      left = Math.max(left, r.left); top = Math.max(top, r.top);
      right = Math.min(right, r.right); bottom = Math.min(bottom, r.bottom);
    };
    cut({ left: 0, top: 0, right: innerWidth, bottom: innerHeight });
    for (let el = element; el; el = el.parentElement) {
      if (el !== element && getComputedStyle(el).overflow !== "visible") cut(el.getBoundingClientRect());
    }
    return Math.max(0, right - left) * Math.max(0, bottom - top) / Math.max(1e-6, rect.width * rect.height);
  };

  const isHit = (element, x, y) => {
    const top = document.elementFromPoint(x, y);
    return Boolean(top) && (element.contains(top) || top === element);
  };

  const problemOf = (element, rect) => {
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return "hidden";
    if (rect.width < 1 || rect.height < 1) return "hidden";
    const share = visiblePart(element, rect);
    if (share <= 0.02) return "off screen";
    if (share < 0.97) return "clipped";
    const { left, top, width, height } = rect;
    const hits = [[.5, .5], [.2, .25], [.8, .25], [.2, .75], [.8, .75]].map(
      ([x, y]) => isHit(element, left + x * width, top + y * height));
    if (!hits[0] || hits.filter(Boolean).length < 4) return "covered";
    return "";
  };

  const wanted = only ? `[data-e="${CSS.escape(only)}"]` : "[data-e]";
  const elements = [...document.querySelectorAll(wanted)].map((el) => {
    const rect = el.getBoundingClientRect();
    const ends = el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).textOverflow === "ellipsis";
    const data = el.dataset;
    return {
      e: data.e, kind: data.kind || "", use: data.use || "", of: data.of || "", icon: data.icon || "",
      text: squeezed(el.matches("input, textarea") ? el.value : el.innerText),
      placeholder: el.placeholder || "", label: squeezed(el.labels && el.labels[0] && el.labels[0].innerText),
      lit: el.classList.contains("on"), twice: "twice" in data, enabled: !el.disabled,
      rects: el.getClientRects().length, ends, box: scaled(rect), problem: problemOf(el, rect),
    };
  });

  // Words of a text node that stand in a row are a line.
  const lines = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; !only && (node = walker.nextNode());) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest("script, style, template")) continue;
    if (!parent.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const style = getComputedStyle(parent);
    const ends = style.textOverflow === "ellipsis" && parent.scrollWidth > parent.clientWidth + 1;
    const range = document.createRange();
    for (const word of node.data.matchAll(/\S+/g)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const rect = range.getBoundingClientRect();
      if (rect.width < 1) continue;
      const share = visiblePart(parent, rect);
      if (share <= 0.02) continue;
      const isSeen = share > 0.97 && !ends && isHit(parent, (rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2);
      const text = style.textTransform === "uppercase" ? word[0].toUpperCase() : word[0];
      const last = lines[lines.length - 1];
      if (last && last.node === node && Math.abs(last.top - rect.top) < 2) {
        last.text += ` ${text}`; last.right = rect.right; last.seen = last.seen && isSeen;
      } else {
        lines.push({ node, text, left: rect.left, top: rect.top, right: rect.right, bottom: rect.bottom, seen: isSeen });
      }
    }
  }
  const open = layers.map((name) => document.querySelector(`[data-layer="${CSS.escape(name)}"]`).dataset.title);
  return {
    elements,
    lines: lines.map((l) => ({ text: l.text, box: scaled(l), seen: l.seen })),
    layer: open[open.length - 1] || "", view: state["ui.view"],
  };
}
