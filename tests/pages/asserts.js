// Run in the page by checker.py: returns one sentence per fault.
() => {
  const faults = [], say = (text, el) => faults.push(text + (el ? ": " + el.outerHTML.slice(0, 140) : ""));
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const seen = (el) => { const r = el.getBoundingClientRect(), s = getComputedStyle(el);
    return r.width > 0 && r.height > 0 && s.visibility !== "hidden" && s.opacity !== "0"; };
  const large = document.documentElement.classList.contains("large");
  if (all("h1").length !== 1 || !document.querySelector("h1").textContent.trim()) say("not one h1 with text");
  if (!/(善桥|Shanqiao)$/.test(document.title) || document.title.trim().startsWith("·")) say("poor title " + document.title);
  if (!["zh-Hans", "en"].includes(document.documentElement.lang)) say("poor lang");
  if (document.documentElement.scrollWidth > window.innerWidth) say("sideways scroll " + document.documentElement.scrollWidth,
    all("main *").find((el) => el.getBoundingClientRect().right > window.innerWidth + 1 && !el.closest(".table-wrap")));
  all("main [aria-invalid=true]").forEach((el) => {
    const ids = (el.getAttribute("aria-describedby") || "").split(/\s+/).filter(Boolean);
    if (!ids.some((id) => { const n = document.getElementById(id); return n && n.matches(".error") && seen(n); }))
      say("invalid without a visible error", el); });
  all(".field .error").forEach((el) => { if (!el.parentElement.querySelector("[aria-invalid=true]")) say("error without aria-invalid", el); });
  if (all(".error-summary").length) {
    if (!/^(错误：|Error: )/.test(document.title)) say("title does not begin with the error word");
    all(".error-summary a").forEach((a) => { if (!document.getElementById(a.hash.slice(1))) say("summary link leads nowhere", a); });
    if (!document.activeElement.closest(".error-summary")) say("the error summary has no focus", document.activeElement);
  } else if (all(".field .error").length) say("errors without a summary");
  all("input[type=radio], input[type=checkbox]").forEach((el) => {
    const group = all(`input[name="${CSS.escape(el.name)}"]`).length > 1 || el.type === "radio";
    const set = el.closest("fieldset");
    if (group && !el.closest("table") && !(set && set.querySelector("legend"))) say("group without fieldset and legend", el); });
  const goal = large ? 60 : 44, floor = 24;
  all("button, input:not([type=hidden]), select, textarea, summary, .btn, nav a, .cell, .task-link[href], .tile, .stat a, .error-summary a")
    .forEach((el) => {
      if (el.closest(".skip") || el.matches(".skip")) return;
      const box = el.matches("[type=radio], [type=checkbox], [type=file]") ? el.closest("label") : el;
      if (!box) return say("tick without a label around it", el);
      if (!seen(box)) return;
      const r = box.getBoundingClientRect();
      if (r.height < goal - 0.5 || r.width < goal - 0.5) say(`target ${Math.round(r.width)}x${Math.round(r.height)} under ${goal}`, el); });
  all("main a").forEach((el) => { const r = el.getBoundingClientRect();
    if (seen(el) && getComputedStyle(el).display !== "inline" && r.height < floor) say("link lower than 24", el); });
  all("main p, main li, main dd, main label, main td").forEach((el) => {
    if (!seen(el) || el.matches(".visually-hidden") || el.closest(".visually-hidden")) return;
    const size = parseFloat(getComputedStyle(el).fontSize), least = large ? 22.9 : el.closest("table, .hint, .stage-when, .tag") ? 14.9 : 16.9;
    if (el.textContent.trim() && size < (el.matches(".hint, .stage-when") && !large ? 15.9 : least)) say(`text ${size}px`, el); });
  all("main p").forEach((el) => { const s = getComputedStyle(el);
    if (seen(el) && parseFloat(s.lineHeight) / parseFloat(s.fontSize) < 1.29) say("tight lines", el); });
  all("figure.chart").forEach((el) => { if (!el.querySelector("table")) say("chart without a table", el); });
  all("main svg").forEach((el) => { if (el.getAttribute("aria-hidden") !== "true" && !el.querySelector("title")) say("picture without words", el); });
  all(".tag, .stage, .banner").forEach((el) => { if (!el.textContent.trim()) say("status without a word", el); });
  all(".stage").forEach((el) => { if (!el.querySelector(".tag")) say("stage without a word", el); });
  all("main .table thead th").forEach((el) => { if (!el.textContent.trim()) say("column without a head", el); });
  all("[style], main style").forEach((el) => say("inline style", el));
  all("script:not([src])").forEach((el) => say("inline script", el));
  if (all("main .btn-primary").filter(seen).length > 1 && document.body.classList.contains("page-household")) say("more than one primary button");
  all("form[method=post]").forEach((el) => { if (!el.querySelector("[name=csrf_token]")) say("form without its token", el); });
  const ids = all("[id]").map((el) => el.id);
  ids.filter((id, n) => ids.indexOf(id) !== n).forEach((id) => say("id twice: " + id));
  return faults;
}
