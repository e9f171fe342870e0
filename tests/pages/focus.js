// Run in the page by checker.py after each Tab: says what is wrong with the focus, or nothing.
() => {
  const el = document.activeElement;
  if (!el || el === document.body || el.matches("iframe")) return "";
  const shown = el.matches(".upload-input") ? el.closest(".upload").querySelector(".btn") : el;
  const style = getComputedStyle(shown);
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return "focus does not show: " + el.outerHTML.slice(0, 140);
  const r = el.getClientRects()[0] ?? el.getBoundingClientRect(), x = r.left + r.width / 2, y = r.top + Math.min(r.height, 40) / 2;
  if (r.height === 0 || y < 0 || y > innerHeight || x < 0 || x > innerWidth) return "";
  const top = document.elementFromPoint(x, y);
  return top && (el.contains(top) || top.contains(el)) ? "" : "focus is covered: " + el.outerHTML.slice(0, 140);
}
