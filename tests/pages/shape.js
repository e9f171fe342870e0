// Run in the page by checker.py: what of it axe and the Tab key can tell apart, without its words. `parts` are the kinds
// of element: attributes, whether what they refer to is there, what a list, a table or a control holds, has it a label,
// the two elements around; and the order of headings, landmarks and style sheets. `colours` tell, for each element
// with words of its own, its classes and states and the classes of all in which it stands; those that stand as one of
// `asked` are marked, for axe to look at.
(asked) => {
  const SAID = new Set(["class", "role", "type", "scope", "tabindex", "autocomplete", "aria-hidden", "aria-invalid"]);
  const REFERS = new Set(["for", "aria-labelledby", "aria-describedby", "aria-controls", "headers"]);
  const HOLDS = "ul, ol, dl, dl > div, table, thead, tbody, tr, select, fieldset, label, button, a, summary, details, figure, svg";
  const all = (what) => Array.from(document.querySelectorAll(what));
  const led = (value) => value.split(/\s+/).map((id) => document.getElementById(id)?.tagName ?? "nowhere");
  const told = ({ name, value }) => {
    if (SAID.has(name)) return `${name}=${value}`;
    return REFERS.has(name) ? `${name}>${led(value)}` : value.trim() ? name : `${name}=`;
  };
  const holds = (el) => el.matches(HOLDS) ? Array.from(new Set(Array.from(el.children, (child) => child.tagName))).sort() : "";
  const bare = (el) => el ? `${el.tagName}.${el.getAttribute("class") ?? ""}` : "";
  const order = (what) => all(what).map((el) => el.tagName).filter((tag, n, tags) => tag !== tags[n - 1]).join();
  const sheets = all("link").map((el) => el.getAttribute("href")).join();
  const parts = new Set([order("h1, h2, h3, h4, h5, h6"), order("header, nav, main, aside, footer"), sheets]), colours = new Set();
  const speaks = (el) => el.matches("input, select, textarea") || Array.from(el.childNodes).some((n) => n.nodeType === 3 && n.data.trim());
  const state = (el) => [!!el.disabled, ...["type", "aria-current", "aria-invalid"].map((name) => el.getAttribute(name))];
  const stands = new Map(), marked = new Set(asked);
  for (const el of all("body, body *")) {
    stands.set(el, `${bare(el)}<${stands.get(el.parentElement) ?? ""}`);
    if (!speaks(el)) continue;
    const colour = `${state(el)} ${stands.get(el)}`;
    if (marked.has(colour)) el.setAttribute("data-asked", "");
    colours.add(colour);
  }
  for (const el of all("*")) {
    const around = [el.parentElement, el.parentElement?.parentElement].map(bare).join("<");
    parts.add(`${el.tagName}[${Array.from(el.attributes, told).sort()}](${[holds(el), !!el.textContent.trim(), !!el.labels?.length]})<${around}`);
  }
  return { parts: Array.from(parts), colours: Array.from(colours) };
}
