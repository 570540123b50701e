// Draws the formulas of a page, takes away what does not fit, and measures the rest.
//
// Returns [{block, parts: [{text, box, items: [{item, box}]}]}, ...] in the order of the page, boxes
// in pixels of the picture; a block that did not fit is missing. Text is given where it was cut.
async () => {
  for (const element of document.querySelectorAll(".tex")) {
    katex.render(element.textContent, element, {
      displayMode: element.classList.contains("display"),
      output: "html",
      throwOnError: true,
    });
  }
  document.body.getBoundingClientRect(); // asks for the fonts
  await document.fonts.ready;

  const columnsOf = (flow) => {
    const area = flow.getBoundingClientRect();
    const style = getComputedStyle(flow);
    const count = Number(style.columnCount) || 1;
    const gap = parseFloat(style.columnGap) || 0;
    const step = (area.width + gap) / count;
    return { area, count, step, width: step - gap };
  };

  // Blocks that are larger than a column would be cut by its edge.
  const tooLarge = (flow) => {
    const { area, width } = columnsOf(flow);
    return [...flow.querySelectorAll("[data-e]:not([data-splits]), .keep")].find((element) => {
      const rects = [...element.getClientRects()];
      const wide = element.scrollWidth > width + 1 || rects.some((r) => r.width > width + 1);
      return rects.length > 1 || wide || rects.some((r) => r.bottom > area.bottom + 1);
    });
  };
  for (const flow of document.querySelectorAll(".flow")) {
    for (let found = tooLarge(flow); found; found = tooLarge(flow)) {
      (found.closest(".keep") ?? found).remove();
    }
    // What follows a heading may be gone.
    while (flow.lastElementChild && /^H\d$/.test(flow.lastElementChild.tagName)) {
      flow.lastElementChild.remove();
    }
  }

  for (const room of document.querySelectorAll(".fit")) {
    const { top, bottom } = room.getBoundingClientRect();
    for (const child of [...room.children]) {
      const rect = child.getBoundingClientRect();
      if (rect.top < top - 1 || rect.bottom > bottom + 1) child.remove();
    }
  }

  // Words in a picture that its edge or their own frame cuts could not be read.
  for (const picture of document.querySelectorAll(".picture:has(.worded)")) {
    const edge = measure.box(picture);
    const within = ([x1, y1, x2, y2]) =>
      x1 >= edge[0] && y1 >= edge[1] && x2 <= edge[2] && y2 <= edge[3];
    const overflows = [...picture.querySelectorAll(".step, .poster, .board, .sign")].some(
      (part) => part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight,
    );
    if (overflows || !measure.words(picture).every(([, box]) => within(box))) {
      (picture.closest(".keep") ?? picture).remove();
    }
  }

  // A figure that goes to the next page leaves a hole on this one; text closes it.
  const closeHole = (flow) => {
    const { area, count, step } = columnsOf(flow);
    const blocks = [...flow.children].map((element) => [element, [...element.getClientRects()]]);
    const column = (rect) => Math.floor((rect.left - area.left + 2) / step);
    const last = blocks.flatMap(([, rects]) => rects).filter((r) => column(r) === count - 1);
    const end = Math.max(area.top, ...last.map((r) => r.bottom));
    const next = blocks.find(
      ([element, rects]) =>
        rects.length > 0 && column(rects[0]) >= count && !/^H\d$/.test(element.tagName),
    );
    if (!next || area.bottom - end < 0.12 * area.height) return false;
    if (!next[0].matches(".keep, .whole")) return false;
    next[0].remove();
    return true;
  };
  for (const flow of document.querySelectorAll(".flow")) {
    for (let tries = 0; tries < 12 && closeHole(flow); tries++);
  }

  const around = (boxes) => [
    Math.min(...boxes.map((b) => b[0])),
    Math.min(...boxes.map((b) => b[1])),
    Math.max(...boxes.map((b) => b[2])),
    Math.max(...boxes.map((b) => b[3])),
  ];

  const column = (flow, rect) =>
    flow === null ? 0 : Math.floor((rect[0] - flow.area.left + 2) / flow.step);

  // Groups what has a place by the column it stands in; what is beyond the last one is not seen.
  const byColumn = (flow, found) => {
    const groups = new Map();
    for (const each of found) {
      const place = column(flow, each.rect);
      if (flow !== null && place >= flow.count) continue;
      if (!groups.has(place)) groups.set(place, []);
      groups.get(place).push(each);
    }
    return [...groups.values()];
  };

  const textParts = (flow, element) => {
    const found = measure.inks(element);
    const groups = byColumn(flow, found);
    const seen = groups.reduce((sum, group) => sum + group.length, 0);
    const isCut = seen < found.length || groups.length > 1;
    if (isCut && !("splits" in element.dataset)) return [];
    return groups.map((group) => ({
      text: isCut ? group.map((each) => each.glue + each.text).join("").trim() : null,
      box: around(group.map((each) => each.box)),
    }));
  };

  const itemParts = (flow, element) => {
    const items = [...element.querySelectorAll("[data-item]")].flatMap((item, index) => {
      const found = measure.inks(item);
      if (found.length === 0) return [];
      return {
        item: index,
        rect: found[0].rect,
        places: new Set(found.map((each) => column(flow, each.rect))),
        box: around(found.map((each) => each.box)),
      };
    });
    // An entry that is higher than what is left may still be parted; it ends the list.
    const cut = items.findIndex((each) => each.places.size > 1);
    return byColumn(flow, cut < 0 ? items : items.slice(0, cut)).map((group) => ({
      box: around(group.map((each) => each.box)),
      items: group.map(({ item, box }) => ({ item, box })),
    }));
  };

  const measured = (element) => {
    const parent = element.closest(".flow");
    const flow = parent === null ? null : columnsOf(parent);
    if (element.querySelector("[data-item]")) return itemParts(flow, element);
    if (element.dataset.measure === "words") return textParts(flow, element);
    const box = measure.box(element);
    return flow !== null && column(flow, box) >= flow.count ? [] : [{ box }];
  };

  return [...document.querySelectorAll("[data-e]")]
    .map((element) => ({ block: Number(element.dataset.e), parts: measured(element) }))
    .filter(({ parts }) => parts.length > 0);
}
