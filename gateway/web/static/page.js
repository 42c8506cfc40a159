"use strict";
// Adds life to a page that is complete without it: new values as they come, ages that keep counting, and a
// banner when the gateway is out of reach. Times are the gateway's: the reader's clock may be wrong.

const body = document.body;
const SILENT_MS = 16000; // three ticks missed
const units = body.dataset.units.split(" ");
// Of this clock before the gateway's; in a copy that was published, what is old is old by the reader's own.
const published = "frozen" in body.dataset;
let ahead = published ? 0 : Date.now() / 1000 - Number(body.dataset.now);
let heardAt = Date.now();
let offlineSince = null;
let source = null;
let wait = 1000;

const now = () => Date.now() / 1000 - ahead;

function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}\u00a0${units[0]}`;
  if (s < 3600) return `${Math.floor(s / 60)}\u00a0${units[1]}`;
  if (s < 172800) return `${Math.floor(s / 3600)}\u00a0${units[2]}`;
  return `${Math.floor(s / 86400)}\u00a0${units[3]}`;
}

function countAges() {
  const at = now();
  for (const time of document.querySelectorAll("time[data-at]")) {
    const text = body.dataset.ago.replace("%", span(at - Number(time.dataset.at)));
    if (time.textContent !== text) time.textContent = text;
  }
  for (const card of document.querySelectorAll("[data-stale-at]")) {
    card.classList.toggle("stale", at > Number(card.dataset.staleAt));
  }
}

function showOffline() {
  if (offlineSince !== null) return;
  offlineSince = heardAt;
  const clock = new Intl.DateTimeFormat("nb", { hour: "2-digit", minute: "2-digit", timeZone: body.dataset.zone });
  const moment = body.dataset.clock.replace("%", clock.format(offlineSince - ahead * 1000));
  const banner = document.querySelector(".offline");
  banner.firstElementChild.textContent = body.dataset.offline.replace("%", moment);
  banner.hidden = false;
  document.documentElement.classList.add("is-offline");
}

function showOnline() {
  heardAt = Date.now();
  if (offlineSince === null) return;
  offlineSince = null;
  document.querySelector(".offline").hidden = true;
  document.documentElement.classList.remove("is-offline");
}

function fill(id, html) {
  const element = document.getElementById(id);
  if (!element) return;
  const template = document.createElement("template");
  template.innerHTML = html;
  element.replaceChildren(template.content);
}

// On a node's own page new records are fetched with the page they are drawn on, now and then.
const follow = document.querySelector("[data-follow]")?.dataset.follow;
const FRESH_MS = 4000;
let freshenedAt = Date.now() - FRESH_MS + 1000;
let freshening = null;

function freshenSoon() {
  if (freshening !== null) return;
  freshening = setTimeout(freshen, Math.max(0, freshenedAt + FRESH_MS - Date.now()));
}

async function freshen() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const parts = fresh.querySelectorAll("[data-part]");
      document.querySelectorAll("[data-part]").forEach((part, i) => {
        // What somebody is filling in stays.
        const busy = part.contains(document.activeElement) || part.querySelector("form details[open], details[open] form");
        if (parts[i] && !busy) part.replaceWith(parts[i]);
      });
      countAges();
      document.dispatchEvent(new Event("freshened"));
    }
  } catch {
    // The banner tells when the gateway is out of reach.
  }
  freshenedAt = Date.now();
  freshening = null;
  if (document.querySelector("[data-again]")) freshenSoon(); // the rest is still being made
}

function placeCard({ node, kind, need, html }) {
  if (follow) {
    if (follow === "all" || Number(follow) === node) freshenSoon();
    return;
  }
  const list = document.querySelector(`[data-kind="${kind}"]`);
  const old = document.getElementById(`node-${node}`);
  if (!list || !old) return;
  const template = document.createElement("template");
  template.innerHTML = html;
  const card = template.content.firstElementChild;
  for (const link of card.querySelectorAll('a[href^="/"]')) link.search = location.search;
  card.dataset.need = JSON.stringify(need);
  const focused = old.contains(document.activeElement);
  old.replaceWith(card);
  if (focused) card.querySelector("a")?.focus({ preventScroll: true });
  else sortCards(list);
}

function sortCards(list) {
  // Nobody's card moves away under the finger or the focus.
  if (list.matches(":hover, :focus-within")) return;
  const cards = [...list.children];
  if (!cards.every((card) => card.dataset.need)) return;
  const rank = (card) => JSON.parse(card.dataset.need);
  const sorted = [...cards].sort((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return x[0] - y[0] || x[1].localeCompare(y[1], "nb");
  });
  if (sorted.some((card, i) => card !== cards[i])) list.append(...sorted);
}

const listeners = {
  card: placeCard,
  state({ html }) {
    fill("state", html);
    if (follow === "state") freshenSoon();
  },
  way: ({ html }) => fill("way", html),
  tick({ now: theirs, newest }) {
    ahead = Date.now() / 1000 - theirs;
    const time = document.querySelector("#newest time");
    if (time && newest) time.dataset.at = newest;
  },
};

function connect() {
  source = new EventSource(body.dataset.events);
  for (const [name, listen] of Object.entries(listeners)) {
    source.addEventListener(name, (event) => {
      showOnline();
      wait = 1000;
      listen(JSON.parse(event.data));
      countAges();
    });
  }
  source.onerror = lost;
}

function lost() {
  source.close();
  source = null;
  showOffline();
  setTimeout(connect, wait * (0.7 + 0.6 * Math.random()));
  wait = Math.min(wait * 1.6, 10000);
}

const OLD_COPY_S = 7200;
if (published && now() - Number(body.dataset.now) > OLD_COPY_S) {
  const told = document.querySelector("[data-old]");
  told.classList.add("is-old");
  told.firstElementChild.append(` ${told.dataset.old}`);
}

setInterval(() => {
  countAges();
  if (source && Date.now() - heardAt > SILENT_MS) lost(); // the connection looks open, but nothing comes
}, 1000);

if (document.querySelector("[data-again]")) freshenSoon();
if (body.dataset.events && (follow || document.getElementById("state"))) connect();
