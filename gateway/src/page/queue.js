// Asks when the server says so, shows what it says, and goes in when it is this visitor's turn.
// Served with its spaces and comments taken out and its own names shortened (tighten.rs): no regular
// expressions, no template strings, no shorthand properties.
(() => {
// A template of the tenant's own may leave out what it does not want to show.
const $ = id => document.getElementById(id) || document.createElement("i");
const put = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text };
const root = document.documentElement, lang = root.lang, enter = $("enter"), net = $("net"), bar = $("bar");
const read = id => JSON.parse($(id).textContent);
const words = read("words"), [first, statusUrl, claimUrl] = read("status");
const key = "fluxgate:" + first.room, shop = $("room").textContent;
const away = () => document.hidden;
const count = n => n == null ? "–" : n.toLocaleString(lang);
const fill = (text, n, t) => text.replace("{n}", n).replace("{t}", t);
const least = (a, b) => a == null || b < a ? b : a;
// The server's clock. This device's own may be wrong, and may be set while the page is open.
const now = () => performance.now();
const server = () => skew + now();
const drift = () => Date.now() - now();
const clock = at => new Date(at).toLocaleTimeString(lang, { timeStyle: "short" });
const date = at => new Date(at).toLocaleString(lang, { dateStyle: "long", timeStyle: "short" });
let status, view, why, message, kept = {}, skew = drift(), seen;
let heard = 0, band, due = 0, asked = 0, timer, busy, fails = 0, claiming, auto, done;
let nonce, proof, solving, bell;

// What all tabs know: where this ticket began, and what any of them heard last. Storage may be refused; then
// each tab is alone, and progress starts anew with a reload.
const recall = () => {
  try { kept = JSON.parse(localStorage[key]) } catch {}
};
const keep = more => {
  Object.assign(kept, more);
  try { localStorage[key] = JSON.stringify(kept) } catch {}
};

const say = (text, turned) => {
  if (!turned && now() - heard < 3e4) return;
  heard = now();
  put("say", text);
};

// Two soft notes; only for who pressed the button.
const ring = () => {
  const tone = bell.createOscillator(), gain = bell.createGain(), at = bell.currentTime;
  tone.frequency.setValueAtTime(523, at);
  tone.frequency.setValueAtTime(784, at + .3);
  gain.gain.setValueAtTime(.2, at);
  gain.gain.linearRampToValueAtTime(0, at + 1.5);
  tone.connect(gain).connect(bell.destination);
  tone.start();
  tone.stop(at + 1.5);
};

const show = s => {
  // Joining and drawing have words of their own; other reasons have none of that name.
  const next = words.states[s.reason] ? s.reason : s.state, word = words.states[next];
  // A state that this page has no words for: the server's page has.
  if (!word) return go();
  const [name, head, note, press] = word, turned = next !== view;
  const line = next === "waiting" || next === "paused", open = next === "called" || next === "admitted";
  // A number once shown never rises, over reloads and tabs too; another ticket starts anew.
  if (line && s.position != null) {
    const old = kept.ticket === s.ticket ? kept : { from: s.ahead };
    s.position = least(old.position, s.position);
    s.ahead = least(old.ahead, s.ahead);
    keep({ ticket: s.ticket, from: old.from, position: s.position, ahead: s.ahead, to: enter.href });
  }
  const part = open ? 1 : line && kept.from ? 1 - s.ahead / kept.from : 0;
  root.className = (view = next) + (line ? " line" : ["not_open", "waiting", "called"].includes(s.state) ? "" : " end") + (s.position > 99999 ? " big" : "");
  root.style.setProperty("--bar", part);
  root.style.setProperty("--p", line ? .12 + .8 * part : "");
  bar.hidden = false;
  bar.ariaValueNow = Math.round(part * 100);
  $("icon").href = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><circle cx='4' cy='" + (9 - 5 * part) + "' r='4' fill='" + (next === "paused" ? "gray" : "orange") + "'/></svg>";
  // A clock time (p50), and the time by which nine in ten are in (p90).
  const eta = next === "waiting" && s.eta_seconds, near = eta && eta.p90 < 60, opens = s.opens_at ? date(s.opens_at) : "";
  const at = p => clock(server() + p * 1e3), turn = near ? words.soon : eta ? at(eta.p50) : "–";
  const error = s.past_error_s, minutes = error > 99, place = s.position ? count(s.position) : "", title = name || head, news = [why, message] + view;
  why = solving ? words.work : next === "joining" && !navigator.cookieEnabled ? words.cookies : words.reasons[s.reason] || "";
  // The page itself shows the message that it was made with.
  message = status ? s.message || "" : $("message").textContent;
  const shown = {
    head: head, note: note, enter: press || "", opens: next === "not_open" ? opens : "", turn: turn, reason: why, message: message,
    range: eta && !near ? fill(words.by, "", at(eta.p90)) : "", chance: words.chances[s.chance] || "",
    past: eta && !near && error != null ? fill(words.past, "", fill(words.units[+minutes], Math.round(minutes ? error / 60 : error))) : "",
    place: place, ahead: count(s.ahead), behind: count(s.behind), ticket: s.ticket || "",
    updated: new Date(s.updated_at).toLocaleTimeString(lang),
  };
  // The first page may have been made before there was a place to move.
  $("moves").hidden &&= !s.handoff_url;
  if (s.log_head) shown.log = s.log_head.slice(0, s.log_head.indexOf(":") + 33);
  if (words.lottery) shown.rule = fill(words.lottery[+(next !== "not_open")], "", opens);
  for (const id in shown) put(id, shown[id]);
  document.title = (open ? "● " : place && line ? place + " · " : "") + title + " · " + shop;
  const level = Math.ceil(Math.log2(s.ahead + 1));
  if (status && news !== [why, message] + view) say(title + ". " + (line ? place + ". " : "") + (why || note) + " " + message, true);
  else if (line && (level !== band || now() - heard > 6e4)) say(fill(words.say, count(s.ahead), turn));
  band = level;
  // The page that says so to whoever pressed the button does not know where they had wanted to go.
  if (s.state === "left" && kept.to) enter.href = kept.to;
  if (next !== "called") claiming = auto = 0;
  else if (turned) {
    enter.focus();
    if (bell) {
      ring();
      try { new Notification(document.title) } catch {}
    }
    // Whoever never saw a line goes straight in, unless they were just sent in and came back.
    if (kept.ticket || Date.now() - kept.entered < 1e4) arm(); else claim();
  }
};

// Nobody is sent in behind their back: a hidden tab waits until it is looked at.
const arm = () => {
  if (view === "called" && !claiming && !auto && !away()) auto = now() + 3e3;
};
const claim = () => {
  if (away()) return;
  claiming = true;
  auto = due = 0;
};
const go = () => {
  if (done) return;
  done = true;
  keep({ entered: Date.now() });
  // With a #fragment, a replace by the same address could only scroll.
  if (location.hash && $("form").hidden) location.reload();
  else location.replace(enter.href);
};

const send = async (url, method, headers) => {
  headers.Accept = "application/json";
  const answer = await fetch(url, { method: method, redirect: "error", headers: headers, signal: AbortSignal.timeout?.(1e4) });
  if (!answer.ok && answer.status !== 409) throw answer.headers.get("Retry-After");
  return answer.json();
};

// A worker looks for the number that shows some work was done, so that the page stays alive meanwhile.
const prove = task => {
  nonce = task.nonce;
  // Asked for only now: the page that brings the worker along is one reload away.
  if (!$("work").textContent) return go();
  solving = new Worker(URL.createObjectURL(new Blob([$("work").textContent])));
  solving.onmessage = found => {
    solving.terminate();
    solving = due = 0;
    proof = found.data;
    beat();
  };
  solving.postMessage([nonce, task.bits]);
};

// Figures from a lost store are old; their time says nothing about the server's clock.
const sync = s => {
  if (s.reason !== "store_lost") skew = Date.parse(s.updated_at) - now();
  seen = drift();
};
const later = ms => { due = now() + ms };
// At once, unless it was asked a moment ago.
const soon = () => { due = Math.min(due, asked + 2e3) };
const lost = wait => {
  if (!fails++) say(net.textContent, true);
  net.hidden = false;
  // 1, 2, 4 … 20 s, less up to a half so that a crowd does not come back as one; longer if told so.
  later(Math.max(Math.min(wait * 1e3 || 0, 6e4), Math.min(2e4, 500 * 2 ** fails) * (1 - Math.random() / 2)));
};
const take = s => {
  fails = 0;
  net.hidden = true;
  // With nothing shown yet, a fresh challenge is used at once.
  later(!status && s.reason === "joining" ? 0 : Math.max(250, s.poll_after_ms || 5e3));
  if (s.work && s.work.nonce !== nonce) prove(s.work);
  show(s);
  status = s;
  if (s.state === "left") {
    done = true;
    // No other tab may ask again: it would join anew.
    keep({ said: s });
  }
  if (s.state === "admitted" && !away()) go();
};
const step = async () => {
  const claims = claiming && !away();
  busy = true;
  asked = now();
  keep({ asked: asked, said: null });
  try {
    const s = await send(claims ? claimUrl : statusUrl, claims ? "POST" : "GET", proof ? { "X-Fluxgate-Work": proof } : {});
    if (done) return;
    sync(s);
    take(s);
    keep({ said: s });
  } catch (wait) { if (!done) lost(wait) }
  busy = false;
  beat();
};

// One heartbeat for polls and clocks.
const beat = () => {
  clearTimeout(timer);
  if (done) return;
  const until = view === "called" ? status.claim_deadline : view === "not_open" && status.opens_at;
  // The two clocks went apart: the device slept, or somebody set the clock. Only the server knows the time now.
  if (Math.abs(drift() - seen) > 2e3) { seen = drift(); soon(); }
  if (until) {
    const left = Math.max(0, Date.parse(until) - server());
    put("clock", left < 864e5 ? new Date(left + 999).toISOString().slice(left < 36e5 ? 14 : 11, 19) : "");
    if (view === "called" && !left) soon();
  } else put("clock", "");
  if (auto && now() >= auto) claim();
  enter.className = auto ? "auto" : "";
  const rest = due - now();
  if (!busy && !solving && rest <= 0) step();
  else timer = setTimeout(beat, until || busy ? 500 : Math.max(50, Math.min(5e3, rest)));
};

const back = event => {
  if (event.persisted === false) return;
  if (event.persisted && status.state !== "left") busy = done = false;
  if (away()) auto = 0;
  else if (view === "admitted") return go();
  else {
    soon();
    arm();
  }
  beat();
};
for (const name of ["visibilitychange", "online", "pageshow"]) addEventListener(name, back);
// Other tabs: one asks, all hear.
addEventListener("storage", event => {
  if (event.key !== key || done) return;
  // What is there now, not what the event brings: tabs that answered to an older word could echo it for ever.
  recall();
  if (kept.said) take(kept.said);
  later(Math.max(due - now(), 2e3) + 2e3 * Math.random());
  beat();
});
enter.onclick = event => {
  if (view !== "called") return;
  event.preventDefault();
  claim();
  beat();
};
$("bell").onclick = event => {
  bell = bell ? bell.close() && 0 : new AudioContext();
  event.target.ariaPressed = !!bell;
  if (bell) {
    ring();
    if (window.Notification) Notification.requestPermission();
  }
};
$("bell").hidden = !window.AudioContext;
$("move").onsubmit = async event => {
  event.preventDefault();
  try {
    const moved = await send(event.target.action, "POST", {});
    put("code", moved.url || moved.code);
  } catch (wait) { lost(wait) }
};
recall();
sync(first);
take(first);
beat();
})();
