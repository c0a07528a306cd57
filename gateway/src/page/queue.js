// Asks when the server says so, shows what it says, and goes in when it is this visitor's turn.
// Served with its spaces and comments taken out (tighten.rs): no regular expressions, no template strings.
"use strict";
(() => {
const $ = id => document.getElementById(id);
const put = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text };
const root = document.documentElement, lang = root.lang;
const urls = $("queue").dataset, to = $("enter").getAttribute("href");
const words = JSON.parse($("words").textContent), first = JSON.parse($("status").textContent);
const key = "fluxgate:" + first.room;
const away = () => document.hidden;
const count = n => n == null ? "–" : n.toLocaleString(lang);
const least = (a, b) => a == null || b < a ? b : a;
let status, view, kept = {}, skew = 0, heard = Date.now();
let due = 0, span = 0, timer, busy, fails = 0, claiming, auto, lapsed, done;

// What this tab must not forget over a reload. Private modes may refuse; then progress starts anew.
const keep = value => {
  kept = value;
  try { sessionStorage[key] = JSON.stringify(kept) } catch {}
};
try { kept = JSON.parse(sessionStorage[key]) } catch {}

const say = (text, turned) => {
  if (!turned && Date.now() - heard < 30000) return;
  heard = Date.now();
  put("say", text);
};

// A clock time (p50), and the time by which nine in ten are in (p90).
const estimate = eta => {
  const at = seconds => new Date(Date.now() + seconds * 1000).toLocaleTimeString(lang, { hour: "numeric", minute: "2-digit" });
  return !eta ? ["–", ""] : eta.p90 < 60 ? [words.soon, ""] : [at(eta.p50), words.by.replace("{t}", at(eta.p90))];
};

const show = s => {
  const next = s.reason === "joining" ? s.reason : s.state, turned = next !== view;
  const word = words.states[next], title = word.title || word.head, line = next === "waiting" || next === "paused";
  const open = next === "called" || next === "admitted";
  root.className = view = next;
  // A number once shown never rises, over reloads too; another ticket starts anew.
  if (line && s.ticket && s.position != null) {
    const old = kept.ticket === s.ticket ? kept : { from: s.ahead };
    s.position = least(old.position, s.position);
    s.ahead = least(old.ahead, s.ahead);
    keep({ ticket: s.ticket, from: old.from, position: s.position, ahead: s.ahead });
  }
  const part = open ? 1 : line && kept.from ? 1 - s.ahead / kept.from : 0;
  root.style.setProperty("--bar", part);
  root.style.setProperty("--p", line ? .12 + .8 * part : "");
  $("bar").setAttribute("aria-valuenow", Math.round(part * 100));
  $("icon").href = "data:image/svg+xml," + encodeURIComponent("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><rect width='8' height='8' rx='2' fill='#1b2430'/><circle cx='4' cy='" + (8 - 4 * part) + "' r='2.5' fill='" + (next === "paused" ? "#9aa4b0" : "#ffc062") + "'/></svg>");
  const [turn, range] = estimate(next === "waiting" && s.eta_seconds), why = words.reasons[s.reason] || "";
  const place = line && s.position != null ? count(s.position) : "";
  const shown = {
    head: word.head, note: word.note, enter: word.go || "", turn, range,
    reason: next === "joining" && !navigator.cookieEnabled ? words.cookies : why,
    position: count(s.position), ahead: count(s.ahead), behind: count(s.behind), ticket: s.ticket || "–",
    updated: new Date(s.updated_at).toLocaleTimeString(lang),
  };
  for (const id in shown) put(id, shown[id]);
  document.title = (open ? "● " : place && place + " · ") + title + " · " + $("room").textContent;
  if (status) say(turned || !line ? title + ". " + (place && place + ". ") + (why || word.note) : words.say.replace("{n}", count(s.ahead)).replace("{t}", turn), turned);
  if (next !== "called") { claiming = false; hold(); }
  else if (turned) {
    $("enter").focus();
    // Whoever never saw a line goes straight in, unless they were just sent in and came back.
    if (kept.ticket || Date.now() - kept.entered < 10000) arm(); else enter();
  }
};

// Nobody is sent in behind their back: a hidden tab waits until it is looked at.
const hold = () => {
  auto = 0;
  $("enter").classList.remove("auto");
};
const arm = () => {
  if (view !== "called" || claiming || auto || away()) return;
  auto = Date.now() + 3000;
  $("enter").classList.add("auto");
};
const enter = () => {
  if (away()) return;
  hold();
  claiming = true;
  due = 0;
};
const go = () => {
  if (away() || done) return;
  done = true;
  keep({ entered: Date.now() });
  // With a #fragment, a replace by the same address could only scroll.
  if (location.hash && $("form").hidden && location.pathname + location.search === to) location.reload();
  else location.replace(to);
};

const send = async (url, method) => {
  const gate = new AbortController(), bell = setTimeout(() => gate.abort(), 10000);
  try {
    const answer = await fetch(url, { method, redirect: "error", signal: gate.signal, headers: { Accept: "application/json" } });
    if (!answer.ok && answer.status !== 409) throw { wait: answer.headers.get("Retry-After") * 1000 };
    const s = await answer.json();
    if (!words.states[s.state]) throw {};
    return s;
  } finally { clearTimeout(bell) }
};

const later = ms => {
  span = ms;
  due = Date.now() + ms;
};
const lost = wait => {
  if (!fails++) say($("net").textContent, true);
  $("net").hidden = false;
  // 1, 2, 4 … 20 s, less up to a half so that a crowd does not come back as one.
  later(Math.max(Math.min(wait || 0, 60000), Math.min(20000, 500 * 2 ** fails) * (1 - Math.random() / 2)));
};
const take = s => {
  // With nothing shown yet, a fresh challenge is used at once.
  later(status ? Math.max(250, s.poll_after_ms) : s.reason === "joining" ? 0 : s.poll_after_ms);
  // Figures from a lost store are old; their time says nothing about the server's clock.
  if (s.reason !== "store_lost") skew = Date.parse(s.updated_at) - Date.now();
  show(s);
  status = s;
  if (s.state === "admitted") go();
};
const step = async () => {
  const claim = claiming && !away();
  busy = true;
  try {
    const s = await send(claim ? urls.claim : urls.status, claim ? "POST" : "GET");
    if (done) return;
    fails = 0;
    $("net").hidden = true;
    take(s);
  } catch (problem) { if (!done) lost(problem.wait) }
  busy = false;
  beat();
};

// One heartbeat for polls and clocks. It reads the wall clock: timers stand still while a device sleeps.
const beat = () => {
  clearTimeout(timer);
  if (done) return;
  const now = Date.now(), until = view === "called" ? status.claim_deadline : view === "not_open" && status.opens_at;
  let text = "";
  if (until) {
    const left = Math.max(0, Date.parse(until) - now - skew);
    text = left < 864e5 ? new Date(left + 999).toISOString().slice(left < 36e5 ? 14 : 11, 19)
      : new Date(until).toLocaleDateString(lang, { month: "long", day: "numeric" });
    if (view === "called" && !left && lapsed !== until) { lapsed = until; due = 0; }
  }
  put("clock", text);
  if (auto && now >= auto) enter();
  const rest = due - now;
  // More left than was asked for: the device's clock was turned back.
  if (!busy && (rest <= 0 || rest > span + 1000)) step();
  else timer = setTimeout(beat, until || busy ? 500 : Math.min(5000, rest));
};

const back = () => {
  if (away()) return hold();
  if (view === "admitted") return go();
  arm();
  beat();
};
document.addEventListener("visibilitychange", back);
addEventListener("online", () => { due = 0; back() });
addEventListener("pageshow", event => { if (event.persisted) { busy = done = false; due = 0; back() } });
$("enter").onclick = event => {
  if (view !== "called") return;
  event.preventDefault();
  enter();
  beat();
};
$("leave").onsubmit = async event => {
  event.preventDefault();
  try {
    await send(event.target.action, "POST");
    done = true;
    keep({});
    show({ state: "left" });
    $("enter").focus();
  } catch { lost() }
};
take(first);
beat();
})();
