// A passkey is made or used: the options come with the page, the answer goes back in the form's hidden field.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const read = (options) => {
  const made = { ...options, challenge: bytes(options.challenge) };
  if (made.user) made.user = { ...made.user, id: bytes(made.user.id) };
  for (const name of ["excludeCredentials", "allowCredentials"]) {
    if (made[name]) made[name] = made[name].map((key) => ({ ...key, id: bytes(key.id) }));
  }
  return made;
};
const written = (key) => {
  const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const given = names.filter((name) => key.response[name]).map((name) => [name, text(key.response[name])]);
  return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response: Object.fromEntries(given) });
};
document.querySelectorAll("[data-passkey]").forEach((box) => {
  const form = box.closest("form");
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    try {
      const publicKey = read(JSON.parse(box.dataset.options));
      const key = await navigator.credentials[box.dataset.passkey]({ publicKey });
      form.elements.answer.value = written(key);
    } catch {
      form.elements.answer.value = "none";
    }
    form.submit();
  });
});
