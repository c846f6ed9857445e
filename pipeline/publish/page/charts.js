// Charts as SVG.

/** A unit's trajectory: the activation seen at each step, and where it ended. */
function trajectoryChart(values, activation) {
  const [width, height, left, right, top, bottom] = [560, 200, 48, 12, 12, 28];
  const ticks = ticksOf(Math.min(0, ...values, activation), Math.max(...values, activation), 4);
  const [low, high] = [ticks[0], ticks.at(-1)];
  const x = (step) => left + ((width - left - right) * step) / Math.max(1, values.length - 1);
  const y = (one) => height - bottom - ((height - top - bottom) * (one - low)) / (high - low || 1);
  const steps = [0, Math.round((values.length - 1) / 2), values.length - 1];
  const chart = drawing(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", className: "chart", "aria-label": `Activation at each of ${values.length} steps: from ${shown(values[0])} to ${shown(values.at(-1))}; ${shown(activation)} on the stored image` },
    ...ticks.map((one) => drawing("line", { className: "grid", x1: left, x2: width - right, y1: y(one), y2: y(one) })),
    ...ticks.map((one) => drawing("text", { x: left - 8, y: y(one) + 4, "text-anchor": "end" }, shown(one, 3))),
    ...[...new Set(steps)].map((step) => drawing("text", { x: x(step), y: height - 8, "text-anchor": step ? (step === values.length - 1 ? "end" : "middle") : "start" }, step ? String(step) : "step 0")),
    drawing("line", { className: "goal", x1: left, x2: width - right, y1: y(activation), y2: y(activation) }),
    drawing("polyline", { className: "curve", points: values.map((one, step) => `${x(step).toFixed(1)},${y(one).toFixed(1)}`).join(" ") }),
  );
  const dot = drawing("circle", { className: "dot", r: 4, cx: x(values.length - 1), cy: y(values.at(-1)) });
  const note = drawing("text", { className: "note", x: width - right, y: top + 4, "text-anchor": "end" });
  chart.append(dot, note);
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const share = ((event.clientX - box.left) / box.width) * width;
    const step = Math.min(values.length - 1, Math.max(0, Math.round(((share - left) / (width - left - right)) * (values.length - 1))));
    dot.setAttribute("cx", x(step));
    dot.setAttribute("cy", y(values[step]));
    note.textContent = `step ${step}: ${shown(values[step])}`;
  });
  return chart;
}

/** Where a number stands among the sorted numbers of its section. */
function spreadChart(sorted, number) {
  const [width, height, bins] = [160, 28, 32];
  const [low, high] = [sorted[0], sorted.at(-1)];
  const place = (one) => (high > low ? (one - low) / (high - low) : 0.5);
  const counts = new Array(bins).fill(0);
  for (const one of sorted) counts[Math.min(bins - 1, Math.floor(place(one) * bins))] += 1;
  const most = Math.max(...counts);
  const bar = width / bins;
  return drawing(
    "svg",
    { viewBox: `-2 0 ${width + 4} ${height}`, className: "spread", "aria-hidden": "true" },
    ...counts.map((count, bin) => {
      const tall = count ? Math.max(1, (count / most) * (height - 4)) : 0;
      return drawing("rect", { x: bin * bar + 0.5, y: height - tall, width: bar - 1, height: tall });
    }),
    drawing("line", { className: "here", x1: place(number) * width, x2: place(number) * width, y1: 0, y2: height }),
  );
}

/** Round numbers that span a range. */
function ticksOf(low, high, count) {
  const rough = (high - low || Math.abs(high) || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  return Array.from({ length: last - first + 1 }, (_, number) => Number(((first + number) * step).toPrecision(12)));
}
