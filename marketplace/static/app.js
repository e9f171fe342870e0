// Small comforts; every page works without this file.
// A chosen file's name is shown beside our own button; a print link prints; the error summary leads to its fields.
document.addEventListener("change", (event) => {
  if (!event.target.matches(".upload-input")) return;
  const shown = event.target.closest(".upload").querySelector(".upload-name");
  const names = Array.from(event.target.files, (file) => file.name).join(", ");
  if (names) shown.textContent = names;
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-print]");
  if (button) window.print();
  const link = event.target.closest(".error-summary a");
  if (!link) return;
  const field = document.getElementById(link.hash.slice(1));
  const inner = field && (field.matches("fieldset") ? field.querySelector("input") : field);
  if (!inner) return;
  event.preventDefault();
  field.scrollIntoView({ block: "center" });
  inner.focus({ preventScroll: true });
});
// A table of ticks gets one tick for all of them.
document.querySelectorAll("table:has([data-pick])").forEach((table) => {
  const head = table.querySelector("thead th");
  const label = document.createElement("label");
  const all = document.createElement("input");
  all.type = "checkbox";
  label.append(all, head.textContent);
  label.className = "pick-all";
  head.replaceChildren(label);
  const rows = table.querySelectorAll("[data-pick]");
  all.addEventListener("change", () => rows.forEach((row) => { row.checked = all.checked; }));
});
// No place left for a live stream: look again a little later instead.
document.addEventListener("htmx:sseError", (event) => {
  const source = event.detail.source;
  if (source && source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
});
const summary = document.querySelector(".error-summary");
if (summary) summary.focus();
