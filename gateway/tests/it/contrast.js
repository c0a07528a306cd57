// How text stands out from what is painted behind it (WCAG 1.4.3): the least over all pixels of its lines.
const shown = "#room, h1, #place, i, #note, #clock, #opens, #reason, dt, dd b, small, li, footer p, footer a, #message, summary, #bell, #chance";

// Where text stands and in which colour; afterwards it cannot be seen.
const hideText = () => {
  const lines = [];
  for (const part of document.querySelectorAll(shown)) {
    if (!part.offsetParent || !part.textContent.trim()) continue;
    const range = document.createRange(), style = getComputedStyle(part), size = parseFloat(style.fontSize);
    const own = part.getBoundingClientRect();
    range.selectNodeContents(part);
    for (const box of range.getClientRects()) {
      // A line may be lower than its letters are high.
      const top = Math.max(box.top, own.top), bottom = Math.min(box.bottom, own.bottom);
      lines.push({ id: part.id || part.tagName, x: box.x, y: top + scrollY, w: box.width, h: bottom - top, colour: style.color, least: size >= 24 ? 3 : 4.5 });
    }
  }
  const all = document.adoptedStyleSheets[0] || new CSSStyleSheet();
  all.replaceSync("*, ::before, ::after { color: transparent !important }");
  document.adoptedStyleSheets = [all];
  return lines;
};

const luminance = colour => {
  const [r, g, b] = colour.map(v => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b;
};

const measure = async (png, lines) => {
  document.adoptedStyleSheets = [];
  const bytes = Uint8Array.from(atob(png), c => c.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes]));
  const board = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  board.drawImage(picture, 0, 0);
  const low = [];
  for (const line of lines) {
    const ink = luminance(line.colour.match(/[\d.]+/g).slice(0, 3).map(Number));
    const { data } = board.getImageData(line.x, line.y, Math.max(1, line.w), Math.max(1, line.h));
    let least = 21;
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] < 255) continue;
      const ground = luminance([data[at], data[at + 1], data[at + 2]]);
      least = Math.min(least, (Math.max(ink, ground) + .05) / (Math.min(ink, ground) + .05));
    }
    if (least < line.least) low.push(line.id + " " + least.toFixed(2));
  }
  return low;
};
