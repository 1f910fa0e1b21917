// Draws the answer that is embedded in the page, and makes its table sort, switch lines on and off
// and show the values under the cursor. Text of labels is in the page already: nothing here makes
// markup of it.
"use strict";
(() => {
  const answer = JSON.parse(document.getElementById("answer").textContent);
  const table = document.querySelector("table.series");
  if (table === null) return;
  const rows = [...table.tBodies[0].rows];  // as the series are; sorting moves them in the page only
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const cssColor = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colorOf = i => i < 8 ? cssColor("--c" + i)
      : `hsl(${Math.round(i * 137.508) % 360} 60% ${dark.matches ? 66 : 42}%)`;

  rows.forEach((row, i) => {
    const name = Object.entries(answer.series[i].metric).map(([k, v]) => `${k}=${JSON.stringify(v)}`);
    row.title = name.join("\n").slice(0, 4000);
  });

  // Sorting: numbers by data-value, text by itself.
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value === undefined) return cell.textContent;
    const value = Number(cell.dataset.value);
    return Number.isNaN(value) ? -Infinity : value;
  };
  const sortBy = (heading, column) => {
    const down = heading.getAttribute("aria-sort") === "descending" ||
        (!heading.hasAttribute("aria-sort") && !heading.classList.contains("number"));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "ascending" : "descending");
    const sign = down ? 1 : -1;
    const collator = new Intl.Collator(undefined, {numeric: true});
    const keys = new Map(rows.map(row => [row, keyOf(row, column)]));
    const compare = (a, b) => typeof a === "string" ? collator.compare(a, b)
        : a < b ? -1 : a > b ? 1 : 0;
    const sorted = [...rows].sort((a, b) => sign * compare(keys.get(a), keys.get(b)));
    table.tBodies[0].append(...sorted);
  };
  const onPress = (element, act) => {
    element.tabIndex = 0;
    element.addEventListener("click", act);
    element.addEventListener("keydown", event => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      act(event);
    });
  };
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    if (heading.classList.contains("mark") || heading.classList.contains("meter")) return;
    onPress(heading, () => sortBy(heading, column));
  });

  const place = document.getElementById("chart");
  if (place === null) return;

  const units = [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];
  const axisText = (value, step) => {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e18 || step < 1e-6) return value.toPrecision(4).replace(/\.?0+(?=e|$)/, "");
    const [scale, unit] = units.find(([least]) => size >= least && least <= 100 * step) ?? [1, ""];
    const decimals = Math.max(0, Math.ceil(-Math.log10(step / scale) - 1e-9));
    return (value / scale).toFixed(Math.min(decimals, 12)).replace(/(\.\d*?)0+$/, "$1")
        .replace(/\.$/, "") + unit;
  };
  const numbers = new Intl.NumberFormat("en", {maximumSignificantDigits: 6});
  const valueText = value => value == null ? ""
      : Math.abs(value) >= 1e15 || (value !== 0 && Math.abs(value) < 1e-6)
        ? value.toPrecision(6).replace(/\.?0+(?=e|$)/, "") : numbers.format(value);

  const makeData = () => {
    const series = answer.series;
    if (answer.grid === undefined) {
      return uPlot.join(series.map(each => [each.times.map(ms => ms / 1000), each.values]));
    }
    const {first, step, count} = answer.grid;
    const times = Array.from({length: count}, (_, i) => (first + i * step) / 1000);
    return [times, ...series.map(each => each.values)];
  };
  const data = makeData();
  const shown = answer.series.map(() => true);
  let utc = true;
  let plot = null;
  let zoom = null;

  // A sample between gaps has no line: it is seen as a point.
  const lonePoints = (u, line, show) => {
    if (show) return null;
    const values = u.data[line];
    const [begin, end] = u.series[line].idxs;
    const lone = [];
    let before = null;  // the last value that is not undefined
    for (let i = begin; i <= end; ++i) {
      if (values[i] === undefined) continue;
      if (values[i] !== null && before === null) {
        let next = i + 1;
        while (next <= end && values[next] === undefined) ++next;
        if (next > end || values[next] === null) lone.push(i);
      }
      before = values[i];
    }
    return lone.length > 0 ? lone : null;
  };

  const at = [...rows].map(row => row.querySelector(".at"));
  const showCursor = u => {
    const index = u.cursor.idx;
    at.forEach((cell, i) => {
      const value = index == null ? null : u.data[i + 1][index];
      cell.textContent = valueText(value);
      cell.dataset.value = value ?? NaN;
    });
    document.getElementById("time").textContent = index == null ? ""
        : utc ? new Date(u.data[0][index] * 1000).toISOString().replace("T", " ").replace("Z", " UTC")
              : new Date(u.data[0][index] * 1000).toLocaleString();
  };

  const reset = document.getElementById("reset");
  // 24 hours, and the day below the first tick of each.
  const pad = (number, digits = 2) => String(number).padStart(digits, "0");
  const timeTexts = (u, splits, axis, space, seconds) => {
    let before = "";
    return splits.map(split => {
      const at = new Date(split * 1000);
      const [year, month, day, hour, minute, second] = utc
          ? [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours(),
             at.getUTCMinutes(), at.getUTCSeconds()]
          : [at.getFullYear(), at.getMonth(), at.getDate(), at.getHours(), at.getMinutes(),
             at.getSeconds()];
      const dayText = `${year}-${pad(month + 1)}-${pad(day)}`;
      if (seconds >= 364 * 86400) return String(year);
      if (seconds >= 28 * 86400) return dayText.slice(0, 7);
      if (seconds >= 86400) return dayText.slice(5);
      let text = `${pad(hour)}:${pad(minute)}`;
      if (seconds < 60) text += ":" + pad(second);
      if (seconds < 1) text += "." + pad(at.getUTCMilliseconds(), 3);
      if (dayText !== before) text += "\n" + dayText;
      before = dayText;
      return text;
    });
  };
  const axis = () => ({
    stroke: cssColor("--faint"), font: "12px system-ui, sans-serif",
    grid: {stroke: cssColor("--grid"), width: 1},
    ticks: {stroke: cssColor("--axis"), width: 1, size: 5},
  });
  const options = () => ({
    width: place.clientWidth - 16, height: 360, legend: {show: false},
    tzDate: utc ? seconds => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC")
                : seconds => new Date(seconds * 1000),
    cursor: {focus: {prox: 24}, drag: {x: true, y: false, setScale: true}},
    focus: {alpha: 0.35},
    scales: {x: {time: true}},
    axes: [
      {...axis(), values: timeTexts, space: 72},
      {...axis(), values: (u, splits) => {
        const step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : 1;
        return splits.map(value => axisText(value, step));
      }, size: (u, texts) => 16 + 7 * Math.max(3, ...(texts ?? []).map(text => text.length))},
    ],
    series: [{}, ...answer.series.map((each, i) => ({
      label: String(i), stroke: colorOf(i), width: 1.75, show: shown[i], pxAlign: 0,
      points: {filter: lonePoints, size: 5},
    }))],
    hooks: {
      setCursor: [showCursor],
      setSeries: [(u, line) => rows.forEach((row, i) => row.classList.toggle("near", i + 1 === line))],
      setScale: [(u, key) => {
        if (key !== "x") return;
        const {min, max} = u.scales.x;
        zoom = min > u.data[0][0] || max < u.data[0].at(-1) ? {min, max} : null;
        reset.disabled = zoom === null;
      }],
    },
  });

  const draw = () => {
    const kept = zoom;
    plot?.destroy();
    plot = new uPlot(options(), data, place);
    if (kept !== null) plot.setScale("x", kept);
    rows.forEach((row, i) => { row.querySelector(".mark i").style.background = colorOf(i); });
  };
  const showLines = () => {
    plot.batch(() => shown.forEach((show, i) => {
      if (plot.series[i + 1].show !== show) plot.setSeries(i + 1, {show});
      rows[i].classList.toggle("off", !show);
      rows[i].setAttribute("aria-pressed", String(show));
    }));
  };
  rows.forEach((row, i) => {
    row.setAttribute("aria-pressed", "true");
    onPress(row, event => {
      if (event.shiftKey || event.ctrlKey || event.metaKey) {
        const alone = shown.every((show, k) => show === (k === i));
        shown.forEach((_, k) => { shown[k] = alone || k === i; });
      } else {
        shown[i] = !shown[i];
      }
      showLines();
    });
    row.addEventListener("mouseenter", () => plot.setSeries(i + 1, {focus: true}));
    row.addEventListener("mouseleave", () => plot.setSeries(null, {focus: true}));
  });
  reset.addEventListener("click", () => {
    plot.setScale("x", {min: data[0][0], max: data[0].at(-1)});
  });
  const zone = document.getElementById("zone");
  zone.addEventListener("click", () => {
    utc = !utc;
    zone.textContent = utc ? "UTC" : "Local time";
    draw();
  });
  dark.addEventListener("change", draw);
  new ResizeObserver(() => plot?.setSize({width: place.clientWidth - 16, height: 360}))
      .observe(place);
  draw();
})();
