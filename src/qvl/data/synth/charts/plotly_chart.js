// Draws a figure with plotly and tells where its parts are and what can be read from it.
async (figure) => {
  const graph = document.getElementById("chart");
  const config = { staticPlot: true, displayModeBar: false };
  await Plotly.newPlot(graph, figure.data, figure.layout, config);
  const boxes = (selector) => [...graph.querySelectorAll(selector)].map((e) => measure.box(e));
  const meets = (a, b) => a[0] < b[2] + 1 && b[0] < a[2] + 1 && a[1] < b[3] + 1 && b[1] < a[3] + 1;
  const texts = () => boxes("text.bartext, .textpoint text, text.slicetext");
  const collide = (all) => all.some((a, i) => all.slice(i + 1).some((b) => meets(a, b)));
  // A value inside a segment that is flatter than its letters belongs to none.
  const leaves = () =>
    [...graph.querySelectorAll(".barlayer .point")].some((point) => {
      const text = point.querySelector("text.bartext");
      const bar = point.querySelector("path");
      if (!text || !bar || !figure.inside) return false;
      const [t, b] = [measure.box(text), measure.box(bar)];
      return t[3] - t[1] > b[3] - b[1] || t[2] - t[0] > b[2] - b[0];
    });
  let exact = figure.labelled;
  if (exact && (leaves() || collide([...texts(), ...boxes(".legend")]))) {
    const text = { textinfo: "none", textposition: "none" };
    const lines = figure.data.map((trace) => trace.type === "scatter");
    await Plotly.restyle(graph, lines.includes(true) ? { mode: figure.plain_mode } : text);
    exact = false;
  }
  const full = graph._fullLayout;
  const axis = figure.lying ? full.xaxis : full.yaxis;
  const marks = (groups, inside) =>
    [...graph.querySelectorAll(groups)].map((group) =>
      [...group.querySelectorAll(inside)].map((e) => measure.box(e)),
    );
  // Lines of a title are spans without a space between them.
  const titled = (selector) => {
    const found = graph.querySelector(selector);
    if (!found) return null;
    const lines = [...found.querySelectorAll("tspan.line")].map((e) => e.textContent);
    return { box: measure.box(found), text: lines.join(" ") || found.textContent };
  };
  return {
    exact,
    bars: marks(".barlayer .trace.bars", ".point > path"),
    slices: boxes(".pielayer .slice > path.surface"),
    title: titled(".gtitle"),
    x_title: titled(".xtitle"),
    y_title: titled(".ytitle"),
    legend: titled(".legend .bg"),
    ticks: [...graph.querySelectorAll(".xtick text")].map((e) => e.textContent),
    tick_boxes: boxes(".xtick text"),
    step: axis && axis.dtick,
    range: axis && axis.range,
    length: axis && axis._length,
  };
}
