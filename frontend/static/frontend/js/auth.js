// Sign-in and security pages: passkeys where the browser has them, words where one fails.
const has = typeof window.PublicKeyCredential === "function";

for (const part of document.querySelectorAll("[data-needs-passkeys]")) part.hidden = !has;
for (const part of document.querySelectorAll("[data-no-passkeys]")) part.hidden = has;

// Allauth tells what went wrong by an event; without an answer it writes to the console only.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  for (const line of document.querySelectorAll("[data-passkey-error]")) line.hidden = false;
});

// A form that was refused: focus goes to the first field that needs another look.
const wrong = document.querySelector('[aria-invalid="true"]');
if (wrong) wrong.focus();
