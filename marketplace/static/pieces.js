// A photo that goes in pieces: a network that breaks costs one piece, and the same file chosen again goes on where it
// stopped. Whatever fails for good leaves the file in its field, so that the form sends it as always.
document.querySelectorAll("input[data-pieces]").forEach((input) => {
  const form = input.form, hidden = form.elements[input.dataset.into];
  const shown = input.closest(".upload").querySelector(".upload-name");
  const token = form.elements.csrf_token.value;
  let running = 0, waiting = false;
  const pause = (tries) => new Promise((done) => {
    const timer = setTimeout(done, Math.min(1000 * 2 ** tries, 15000));
    window.addEventListener("online", () => { clearTimeout(timer); done(); }, { once: true });
  });
  const post = (path, body, type) => fetch(path, {
    method: "POST", body, credentials: "same-origin",
    headers: { Accept: "application/json", "Content-Type": type, "X-CSRFToken": token },
  });
  async function ask(path, body, type, mine) {
    for (let tries = 0; mine === running; tries += 1) {
      let answer = null;
      try {
        answer = await post(path, body, type);
      } catch (fault) {
        shown.textContent = input.dataset.waits;
      }
      if (answer && (answer.ok || answer.status === 409)) return answer.json();
      if (answer && answer.status < 500) throw new Error("refused");
      await pause(tries);
    }
    throw new Error("another file");
  }
  async function send(file, mine) {
    const whole = await file.arrayBuffer();
    const hash = Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", whole)), (one) => one.toString(16).padStart(2, "0")).join("");
    const told = JSON.stringify({ size: file.size, sha256: hash });
    let state = await ask(input.dataset.pieces, told, "application/json", mine), again = 0;
    while (!state.whole) {
      if (state.received === 0 && (again += 1) > 3) throw new Error("differs");
      shown.textContent = input.dataset.sending.replace("0", Math.floor(100 * state.received / file.size));
      const piece = whole.slice(state.received, state.received + state.piece);
      state = await ask(`/cases/uploads/${state.id}/pieces/${state.received}`, piece, "application/octet-stream", mine);
    }
    return state.id;
  }
  input.addEventListener("change", async () => {
    const file = input.files[0], mine = running += 1;
    hidden.value = "";
    if (!file || !window.crypto || !crypto.subtle || !file.arrayBuffer) return;
    form.dataset.busy = "yes";
    try {
      const id = await send(file, mine);
      if (mine !== running) return;
      hidden.value = id;
      input.value = "";
      shown.textContent = `${file.name} · ${input.dataset.sent}`;
    } catch (fault) {
      if (mine !== running) return;
      shown.textContent = file.name;
    }
    delete form.dataset.busy;
    if (waiting) form.submit();
  });
  form.addEventListener("submit", (event) => {
    if (!form.dataset.busy) return;
    event.preventDefault();
    waiting = true;
  });
});
