// A visit without a network: the form's changes are kept in this browser until they are sent, then wiped. The form works
// without this file. Kept: changed fields only, under the account that wrote them and the visit's number: two people on
// one telephone never meet each other's words. It is on every page of whoever visits, and asks before signing out wipes.
const PREFIX = "visit:";
const SCOPE = "/home-visits/";
const AGAIN = 2000;
const box = document.querySelector("[data-visits]");
const form = document.querySelector("[data-visit]");
const say = (name) => {
  document.querySelectorAll("[data-say]").forEach((line) => { line.hidden = line.dataset.say !== name; });
};
const drafts = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
const own = () => drafts().filter((key) => read(key).author === box.dataset.visits);
const read = (key) => JSON.parse(localStorage.getItem(key));
async function tell(act, urls) {
  const keeper = navigator.serviceWorker && (await navigator.serviceWorker.getRegistration(SCOPE));
  if (!keeper) return;
  const worker = keeper.active || (await navigator.serviceWorker.ready).active;
  await new Promise((done) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    worker.postMessage({ act, urls }, [channel.port2]);
  });
}
const parts = () => Array.from(document.querySelectorAll("link[href^='/static/'], script[src^='/static/']"), (one) => one.getAttribute("href") || one.getAttribute("src"));
const asset = (one) => new URL(one, location.href).pathname;
async function send(key) {
  const draft = read(key);
  const accept = { Accept: "application/json" };
  const state = await fetch(`${draft.path}/state`, { headers: accept, credentials: "same-origin" });
  if (!state.ok || state.redirected) return { answer: "" };
  const { token } = await state.json();
  const sent = await fetch(`${draft.path}/parcels`, {
    method: "POST",
    credentials: "same-origin",
    headers: { ...accept, "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify({ key: draft.key, base: draft.base, finish: draft.finish, letters: draft.letters, changes: draft.changes }),
  });
  if (!sent.ok) return { answer: "refused" };
  const told = await sent.json();
  if (localStorage.getItem(key) === JSON.stringify(draft)) {
    if (told.wrong) localStorage.setItem(key, JSON.stringify(left(draft, told)));
    else localStorage.removeItem(key);
  }
  await tell("drop", [draft.path]);
  return { answer: told.answer, page: told.path || draft.path };
}
// What the house could not read stays here with its sentence, on top of what was kept.
function left(draft, told) {
  const changes = Object.fromEntries(Object.entries(draft.changes).filter(([name]) => name in told.wrong));
  return { ...draft, changes, wrong: told.wrong, base: told.version, key: crypto.randomUUID(), finish: false, ready: false };
}
let busy = false;
async function sendAll() {
  if (busy || !navigator.onLine) return;
  busy = true;
  try {
    for (const key of own().filter((one) => read(one).ready)) {
      const path = read(key).path, { answer, page } = await send(key);
      if (answer === "refused" || (answer === "mend" && !(form && form.dataset.visit === path))) say(answer);
      else if (answer && form && form.dataset.visit === path) location.replace(page);
      else if (answer) say("sent");
    }
  } catch (fault) {
    say("later");
    if (navigator.onLine) setTimeout(sendAll, AGAIN);
  } finally {
    busy = false;
  }
}
const mine = () => `${PREFIX}${box.dataset.visits}:${form.dataset.visit}`;
function remember(field) {
  const key = mine();
  const { base, letters } = form.elements;
  const fresh = { author: box.dataset.visits, path: form.dataset.visit, base: Number(base.value), letters: letters.value, changes: {} };
  const draft = localStorage.getItem(key) ? read(key) : fresh;
  if (field) draft.changes[field.name] = { value: field.value, at: new Date().toISOString() };
  if (field && field.name === "note" && !field.value && !form.elements.opened.value) delete draft.changes.note;
  if (field && draft.wrong) delete draft.wrong[field.name];
  Object.assign(draft, { key: crypto.randomUUID(), finish: false, ready: false });
  localStorage.setItem(key, JSON.stringify(draft));
  return draft;
}
// The same two checks as the house makes, so that nobody learns of them hours later.
function faults(finish) {
  const wrong = {};
  form.querySelectorAll("[inputmode=numeric]").forEach((field) => {
    if (!/^[0-9,]*$/.test(field.value.trim())) wrong[field.name] = form.dataset.number;
  });
  if (finish && form.elements.outcome.value === "") wrong.outcome = form.dataset.outcome;
  return wrong;
}
function mark(wrong) {
  form.querySelectorAll("[data-fault]").forEach((line) => line.remove());
  const fields = Object.entries(wrong).map(([name, text]) => {
    const field = form.elements[name], row = field.closest(".input-row"), line = document.createElement("p");
    Object.assign(line, { className: "error", id: `${field.id}-fault`, textContent: text });
    line.dataset.fault = "";
    row.parentElement.classList.add("field-wrong");
    row.parentElement.insertBefore(line, row);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", line.id);
    const folded = field.closest("details");
    if (folded) folded.open = true;
    return field;
  });
  if (fields.length) fields[0].focus();
  return fields.length > 0;
}
const take = document.querySelector("[data-take]");
if (take && "serviceWorker" in navigator) {
  navigator.serviceWorker.register("/home-visits/keeper.js", { scope: SCOPE });
  take.hidden = false;
  take.addEventListener("click", async () => {
    const pages = take.dataset.take.split(" ");
    await tell("keep", [...pages, ...parts().map(asset)]);
    say("taken");
  });
}
if (form && box) {
  const key = mine();
  if (localStorage.getItem(key)) {
    const draft = read(key);
    Object.entries(draft.changes).forEach(([name, one]) => { form.elements[name].value = one.value; });
    say(draft.ready ? "later" : mark(draft.wrong || {}) ? "mend" : "draft");
  }
  form.addEventListener("input", (event) => { if (event.target.name) remember(event.target); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const draft = remember(null);
    draft.finish = event.submitter !== null && event.submitter.value === "done";
    if (mark(faults(draft.finish))) return;
    draft.ready = true;
    localStorage.setItem(key, JSON.stringify(draft));
    if (navigator.onLine) await sendAll();
    else say("later");
  });
}
if (box) {
  box.querySelector("[data-others]").hidden = drafts().length === own().length;
  document.querySelectorAll("form[action$='/sign-out']").forEach((leave) => leave.addEventListener("submit", (event) => {
    if (drafts().length && !confirm(box.dataset.ask)) event.preventDefault();
  }));
  window.addEventListener("online", sendAll);
  sendAll();
}
