// Functions that scripts of pages call; every box is [x1, y1, x2, y2] in pixels of the picture.
//
//   measure.box(element)      -> box of its border
//   measure.words(element)    -> [[word, box], ...] as laid out; a broken word comes in parts
//   measure.lines(element)    -> [[text, box], ...] words that stand in a line
//   measure.textBox(element)  -> box around all of its words, or null
//   measure.inks(element)     -> [{text, glue, rect, box}, ...] words with the box of their ink; glue
//                                is the white space before a word
//   measure.all(selector)     -> [{tag, id, classes, text, attributes, box, lines}, ...]
"use strict";

(() => {
  const still = new CSSStyleSheet();
  still.replaceSync(`*, *::before, *::after { animation: none !important;
    transition: none !important; caret-color: transparent !important; }`);
  document.adoptedStyleSheets = [still];

  const scaled = (r) =>
    [r.left, r.top, r.right, r.bottom].map((side) => side * window.devicePixelRatio);

  const around = (boxes) =>
    boxes.length === 0
      ? null
      : [
          Math.min(...boxes.map((b) => b[0])),
          Math.min(...boxes.map((b) => b[1])),
          Math.max(...boxes.map((b) => b[2])),
          Math.max(...boxes.map((b) => b[3])),
        ];

  const box = (element) => scaled(element.getBoundingClientRect());

  const isShown = (node) =>
    node.parentElement.checkVisibility({ visibilityProperty: true, opacityProperty: true });

  // The rectangles of a word are those of its characters, so that each part of a broken word keeps
  // its own letters.
  const parts = (node, start, end) => {
    const range = document.createRange();
    range.setStart(node, start);
    range.setEnd(node, end);
    const whole = [...range.getClientRects()].filter((r) => r.width > 0);
    if (whole.length === 1) return [[node.data.slice(start, end), scaled(whole[0])]];
    const found = [];
    for (let at = start; at < end; at++) {
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      const rect = [...range.getClientRects()].find((r) => r.width > 0);
      if (!rect) continue;
      const last = found[found.length - 1];
      const b = scaled(rect);
      if (last && Math.abs(last[1][1] - b[1]) < 1) {
        found[found.length - 1] = [last[0] + node.data[at], around([last[1], b])];
      } else {
        found.push([node.data[at], b]);
      }
    }
    return found;
  };

  const words = (element) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (!isShown(node)) continue;
      for (const match of node.data.matchAll(/[^\s]+/g)) {
        found.push(...parts(node, match.index, match.index + match[0].length));
      }
    }
    return found;
  };

  // How far the baseline is below the top of a letter's rectangle, by a probe in the same font:
  // what a canvas calls the font's ascent may be another one than layout takes.
  const ascents = new Map();
  const ascent = (font) => {
    if (!ascents.has(font)) {
      const probe = document.createElement("span");
      probe.style.cssText = "position: absolute; visibility: hidden; line-height: normal;";
      probe.style.font = font;
      probe.innerHTML = "x<span style='display: inline-block; width: 0; height: 0'></span>";
      document.body.append(probe);
      const range = document.createRange();
      range.selectNodeContents(probe.firstChild);
      const baseline = probe.lastChild.getBoundingClientRect().bottom;
      ascents.set(font, baseline - range.getBoundingClientRect().top);
      probe.remove();
    }
    return ascents.get(font);
  };

  // The ink of a word, from the outlines of its letters.
  const pen = document.createElement("canvas").getContext("2d");
  const ink = (style, text, [x1, y1]) => {
    const caps = style.fontVariantCaps === "small-caps" ? "small-caps" : "normal";
    const font = `${style.fontStyle} ${caps} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    pen.font = font;
    pen.letterSpacing = style.letterSpacing === "normal" ? "0px" : style.letterSpacing;
    const size = pen.measureText(text);
    const scale = window.devicePixelRatio;
    const baseline = y1 + ascent(font) * scale;
    return [
      x1 - size.actualBoundingBoxLeft * scale,
      baseline - size.actualBoundingBoxAscent * scale,
      x1 + size.actualBoundingBoxRight * scale,
      baseline + size.actualBoundingBoxDescent * scale,
    ];
  };

  const inks = (element) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const found = [];
    let glue = "";
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (!isShown(node)) continue;
      const style = getComputedStyle(node.parentElement);
      let at = 0;
      for (const match of node.data.matchAll(/[^\s]+/g)) {
        if (match.index > at) glue = " ";
        at = match.index + match[0].length;
        for (const [text, rect] of parts(node, match.index, at)) {
          found.push({ text, glue, rect, box: ink(style, text, rect) });
          glue = "";
        }
      }
      if (node.data.length > at) glue = " ";
    }
    return found;
  };

  const goesOn = (line, next) => {
    const [, a] = line;
    const [, b] = next;
    const height = Math.min(a[3] - a[1], b[3] - b[1]);
    const shared = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
    const gap = Math.max(b[0] - a[2], a[0] - b[2]);
    return shared > height / 2 && gap < 3 * height;
  };

  const lines = (element) => {
    const found = [];
    for (const word of words(element)) {
      const last = found[found.length - 1];
      if (!last || !goesOn(last, word)) {
        found.push([...word]);
        continue;
      }
      const gap = Math.max(word[1][0] - last[1][2], last[1][0] - word[1][2]);
      last[0] += (gap > 0.5 ? " " : "") + word[0];
      last[1] = around([last[1], word[1]]);
    }
    return found;
  };

  const all = (selector) =>
    [...document.querySelectorAll(selector)].map((element) => ({
      tag: element.localName,
      id: element.id,
      classes: [...element.classList],
      text: element.innerText ?? element.textContent,
      attributes: Object.fromEntries([...element.attributes].map((a) => [a.name, a.value])),
      box: box(element),
      lines: lines(element),
    }));

  window.measure = {
    box,
    words,
    lines,
    inks,
    textBox: (element) => around(words(element).map((word) => word[1])),
    all,
  };
})();
