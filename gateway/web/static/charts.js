"use strict";
// Draws the charts of a node's page anew with a crosshair and zoom. Without this script, on paper and in a
// published copy the server's drawings stand. What is seen is always in the address bar.

const MARKS = { built: "--muted", info: "--muted", warning: "--warning-mark", alarm: "--alarm" };
const DASHES = [[], [6, 3], [2, 3]];
const HEIGHT_PX = 200;
const DRAG_LEAST_PX = 8;
const TICK_PX = 64;
const lang = document.documentElement.lang;
const moment = new Intl.DateTimeFormat(lang === "nb" ? "nb" : "en-GB", {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: document.body.dataset.zone,
});
let charts = [];
let shown = null; // what series.json said

const history_ = () => document.querySelector(".history[data-series]");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const written = (value, decimals) =>
  new Intl.NumberFormat(lang, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(value);

// Lines whose times differ share one axis: where one has no value of its own it goes on (undefined); null is a gap.
function joined(lines) {
  return uPlot.join(lines.map((line) => [line.times, line.values]), lines.map(() => [2, 2]));
}

function behind(u) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.fillStyle = colour("--area");
  for (const [from, to] of shown.days) {
    const x = u.valToPos(Math.max(from, u.scales.x.min), "x", true);
    ctx.fillRect(x, bbox.top, u.valToPos(Math.min(to, u.scales.x.max), "x", true) - x, bbox.height);
  }
  ctx.restore();
}

function before(u, group) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${13 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.lineWidth = 1.25 * ratio;
  const label = (text, x, y) => {
    ctx.lineWidth = 4 * ratio;
    ctx.strokeStyle = colour("--surface");
    ctx.setLineDash([]);
    ctx.strokeText(text, x, y);
    ctx.fillText(text, x, y);
    ctx.lineWidth = 1.25 * ratio;
  };
  ctx.textAlign = "right";
  for (const [value, text, priority] of group.limits) {
    const y = u.valToPos(value, "y", true);
    ctx.strokeStyle = ctx.fillStyle = colour(MARKS[priority]);
    ctx.setLineDash([5 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    if (priority === "warning") ctx.fillStyle = colour("--warning");
    label(text, bbox.left + bbox.width - 4 * ratio, y + (y - bbox.top < 18 * ratio ? 15 : -4) * ratio);
  }
  for (const [at, text] of shown.notes) {
    const x = u.valToPos(at, "x", true);
    ctx.strokeStyle = ctx.fillStyle = colour("--text");
    ctx.setLineDash([ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const left = x + 5 * ratio + ctx.measureText(text).width > bbox.left + bbox.width;
    ctx.textAlign = left ? "right" : "left";
    label(text, x + (left ? -5 : 5) * ratio, bbox.top + 12 * ratio);
  }
  ctx.restore();
}

// What stands under the crosshair, in each key and, for those who do not see it, as the marker's value.
function read(u, group, figure) {
  const { idx, left } = u.cursor;
  const at = idx === null || idx === undefined || left < 0 ? null : u.data[0][idx];
  const values = group.lines.map((line, i) => {
    const found = at === null ? null : nearest(line, at);
    return found === null ? null : `${written(found, line.decimals)}\u00a0${group.unit}`;
  });
  const none = history_().dataset.none;
  figure.querySelectorAll(".key output").forEach((output, i) => {
    output.textContent = at === null ? "" : values[i] ?? none;
  });
  const when = at === null ? "" : moment.format(at * 1000);
  figure.querySelector(".when").textContent = when;
  const wrap = figure.querySelector(".plot");
  wrap.setAttribute("aria-valuenow", at ?? shown.to);
  const said = group.lines.map((line, i) => `${line.name} ${values[i] ?? none}`).join(", ");
  wrap.setAttribute("aria-valuetext", at === null ? history_().dataset.help : `${when}: ${said}`);
}

// The last value at a time or before it; none inside a gap.
function nearest({ times, values }, at) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= at) low = middle + 1;
    else high = middle;
  }
  return low ? values[low - 1] : null;
}

function element(name, classes, text) {
  const made = document.createElement(name);
  made.className = classes;
  if (text) made.textContent = text;
  return made;
}

function key(line, i) {
  const found = element("span", `key series-${i + 1}`);
  found.innerHTML = '<svg viewBox="0 0 20 8" aria-hidden="true"><path d="M1 4h18"/></svg>';
  found.append(line.name, " ", element("output", "number"));
  return found;
}

function draw(group, place) {
  const figure = element("figure", "chart crossed");
  const caption = element("figcaption", "");
  caption.append(...group.lines.map(key), element("span", "unit", group.unit), element("span", "when number"));
  const wrap = element("div", "plot");
  const name = `${group.lines.map((line) => line.name).join(", ")} (${group.unit})`;
  for (const [attribute, value] of Object.entries({
    tabindex: 0, role: "slider", "aria-label": name, "aria-valuemin": shown.from, "aria-valuemax": shown.to,
    "aria-valuenow": shown.to, "aria-valuetext": history_().dataset.help,
  })) wrap.setAttribute(attribute, value);
  figure.append(caption, wrap);
  place.append(figure);
  const axis = {
    stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false },
    font: `13px ${getComputedStyle(document.body).fontFamily}`,
  };
  const times = new Map(shown.times);
  const values = new Map(group.values);
  const u = new uPlot({
    width: wrap.clientWidth, height: HEIGHT_PX, legend: { show: false }, padding: [8, 12, 0, 0],
    cursor: {
      sync: { key: "history", setSeries: false }, drag: { x: true, y: false, setScale: false, dist: DRAG_LEAST_PX },
      points: { size: 7 }, y: false,
    },
    scales: { x: { time: false, range: () => [shown.from, shown.to] }, y: { range: () => [group.low, group.high] } },
    axes: [
      { ...axis, splits: (u) => thinned([...times.keys()], u.width), values: (_, at) => at.map((t) => times.get(t)), size: 30 },
      { ...axis, splits: () => [...values.keys()], values: (_, at) => at.map((v) => values.get(v)), size: 52 },
    ],
    series: [{}, ...group.lines.map((_, i) => ({
      stroke: colour(`--series-${Math.min(i, 2) + 1}`), width: 1.75, dash: DASHES[i] ?? DASHES[2], spanGaps: false,
      points: { show: false },
    }))],
    hooks: {
      drawClear: [behind],
      draw: [(me) => before(me, group)],
      setCursor: [(me) => read(me, group, figure)],
      setSelect: [(me) => zoomed(me)],
    },
  }, joined(group.lines), wrap);
  wrap.addEventListener("keydown", (event) => pressed(event, u));
  wrap.addEventListener("blur", () => mark(-10));
  return u;
}

function thinned(times, width) {
  const every = Math.ceil((times.length * TICK_PX) / width);
  return times.filter((_, i) => i % every === 0);
}

function zoomed(u) {
  const { left, width } = u.select;
  if (width < DRAG_LEAST_PX) return;
  const [from, to] = [u.posToVal(left, "x"), u.posToVal(left + width, "x")].map(Math.round);
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  if (to - from < 60) return;
  const address = new URL(location.href);
  address.searchParams.delete("range");
  address.searchParams.set("from", from);
  address.searchParams.set("to", to);
  go(address);
}

// Puts the crosshair of all charts at a place; none where that is left of the plots.
function mark(left) {
  for (const u of charts) u.setCursor({ left, top: left < 0 ? left : HEIGHT_PX / 3 });
}

function pressed(event, u) {
  const x = u.data[0];
  const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in moves) {
    const { idx, left } = u.cursor;
    const now = idx === null || idx === undefined || left < 0 ? x.length - 1 : idx;
    const next = Math.max(0, Math.min(x.length - 1, now + moves[event.key]));
    mark(u.valToPos(x[next], "x"));
  } else if ("+-".includes(event.key)) {
    const link = history_().querySelector(`.beside li:nth-child(${event.key === "+" ? 2 : 3}) a`);
    if (link) go(link.href);
  } else if (event.key === "Escape") mark(-10);
  else return;
  event.preventDefault();
}

// Shows another stretch of time without leaving the page. What goes wrong is left to the browser.
async function go(address, back = false) {
  if (!back) {
    if (String(address) === location.href) return; // each of the charts tells of the same zoom
    history.pushState(null, "", address);
  }
  const focused = [...document.querySelectorAll(".history a, .history .plot")].indexOf(document.activeElement);
  const was = document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent;
  try {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".history");
    if (new URL(address, location).href !== location.href) return; // meanwhile somebody has gone elsewhere
    history_().replaceWith(fresh);
  } catch {
    location.assign(address);
    return;
  }
  await start();
  if (focused < 0) return;
  const candidates = [...history_().querySelectorAll("a, .plot")];
  candidates.find((c) => (c.getAttribute("aria-label") ?? c.textContent) === was)?.focus({ preventScroll: true });
}

// Nobody's chart is drawn anew under the finger or the focus.
const busy = () => document.querySelector(".crossings:hover, .crossings :focus, .history a:focus");

async function start(unless = () => false) {
  const section = history_();
  if (!section || unless()) return;
  const answer = await fetch(section.dataset.series);
  if (!answer.ok) return;
  const fresh = await answer.json();
  if (unless() || section !== history_()) return;
  shown = fresh;
  const old = charts;
  const focused = old.findIndex((u) => u.root.parentElement === document.activeElement);
  const left = old[0]?.cursor.left ?? -10;
  charts = [];
  old.forEach((u) => u.destroy());
  section.querySelector(".crossings")?.remove();
  if (!shown.groups.length) return;
  const place = element("div", "crossings");
  section.querySelector(".drawn").after(place);
  section.classList.add("enhanced");
  charts = shown.groups.map((group) => draw(group, place));
  const help = element("p", "note", section.dataset.help);
  place.append(help);
  if (focused >= 0) charts[focused]?.root.parentElement.focus({ preventScroll: true });
  if (left >= 0) mark(left);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".history .ranges a");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(link.href);
});
addEventListener("popstate", () => go(location.href, true));
addEventListener("resize", () => charts.forEach((u) => {
  u.setSize({ width: u.root.parentElement.clientWidth, height: HEIGHT_PX });
}));
document.addEventListener("freshened", () => start(busy));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => start());
start();
