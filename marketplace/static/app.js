// Small comforts; every page works without this file.
// A chosen file's name is shown beside our own button; a print link prints; the error summary leads to its fields.
document.addEventListener("change", (event) => {
  if (!event.target.matches(".upload-input")) return;
  const shown = event.target.closest(".upload").querySelector(".upload-name");
  const names = Array.from(event.target.files, (file) => file.name).join(", ");
  if (names) shown.textContent = names;
});
document.querySelectorAll("[data-print]").forEach((button) => { button.hidden = false; });
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
document.querySelectorAll("table").forEach((table) => {
  if (!table.querySelector("[data-pick]")) return;
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
// A name drawn with a finger: the strokes travel as numbers in a hidden field.
document.querySelectorAll("[data-draw]").forEach((box) => {
  const canvas = box.querySelector("canvas");
  const field = document.getElementsByName(box.dataset.draw)[0];
  const pen = canvas.getContext("2d");
  let strokes = [], stroke = null;
  box.hidden = false;
  pen.lineWidth = 3;
  pen.lineCap = "round";
  strokes = field.value ? field.value.split(";").map((one) => one.split(" ").map((point) => point.split(",").map(Number))) : [];
  strokes.forEach((one) => {
    pen.beginPath();
    one.forEach((point) => pen.lineTo(point[0], point[1]));
    pen.stroke();
  });
  const at = (event) => {
    const frame = canvas.getBoundingClientRect();
    const x = Math.round((event.clientX - frame.left) * canvas.width / frame.width);
    const y = Math.round((event.clientY - frame.top) * canvas.height / frame.height);
    return [Math.min(Math.max(x, 0), canvas.width), Math.min(Math.max(y, 0), canvas.height)];
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    stroke = [at(event)];
    strokes.push(stroke);
    pen.beginPath();
    pen.moveTo(...stroke[0]);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    stroke.push(at(event));
    pen.lineTo(...stroke[stroke.length - 1]);
    pen.stroke();
  });
  const end = () => {
    stroke = null;
    field.value = strokes.map((one) => one.map((point) => point.join(",")).join(" ")).join(";");
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  box.querySelector("button").addEventListener("click", () => {
    strokes = [];
    pen.clearRect(0, 0, canvas.width, canvas.height);
    end();
  });
});
// No place left for a live stream: look again a little later instead.
document.addEventListener("htmx:sseError", (event) => {
  const source = event.detail.source;
  if (source && source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
});
const summary = document.querySelector(".error-summary");
if (summary) summary.focus();
// At phone width the tabs are a strip: show the part where one is.
const strip = document.querySelector(".tabs ul"), here = strip && strip.querySelector("[aria-current]");
if (here && strip.scrollWidth > strip.clientWidth) strip.scrollLeft = here.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
