// A citation opens its source. A plain fragment link would be resolved against the <base> that
// Gradio sets, and would not open a closed <details>.
document.addEventListener("click", (event) => {
  const chip = event.target.closest?.("a.cite");
  const source = chip && document.querySelector(chip.getAttribute("href"));
  if (chip) event.preventDefault();
  if (!source) return;
  source.open = true;
  source.querySelector("summary").focus({ preventScroll: true });
  source.scrollIntoView({ block: "start" });
});

// An opened source shows its document at the supporting words.
document.addEventListener(
  "toggle",
  (event) => {
    const box = event.target.open && event.target.querySelector?.(".document");
    const words = box && (box.querySelector("mark") ?? box.querySelector(".passage"));
    if (!words) return;
    const above = words.getBoundingClientRect().top - box.getBoundingClientRect().top;
    box.scrollTop += above - box.clientHeight / 4;
  },
  true,
);

// A source that was opened while the answer was written stays open in the list of its sources.
{
  const open = new Set();
  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (target.matches?.("#twin-sources .source")) open[target.open ? "add" : "delete"](target.id);
    },
    true,
  );
  new MutationObserver(() => {
    const sources = document.querySelectorAll("#twin-sources .source");
    if (!sources.length) open.clear(); // another question
    for (const source of sources) if (open.has(source.id)) source.open = true;
  }).observe(document, { childList: true, subtree: true });
}

// <button data-copy="#twin-answer .answer-text"> copies the text of the first element that fits,
// its citations as [1].
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  const copy = button && document.querySelector(button.dataset.copy)?.cloneNode(true);
  if (!copy) return;
  for (const chip of copy.querySelectorAll("a.cite")) chip.replaceWith(`[${chip.textContent}]`);
  const text = copy.textContent;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => (button.textContent = label), 2000);
});

// The address always opens what was asked last.
new MutationObserver(() => {
  const asked = document.querySelector("#twin-answer .answer[data-q]");
  if (!asked) return;
  const query = new URLSearchParams({ q: asked.dataset.q });
  if (asked.dataset.author) query.set("author", asked.dataset.author);
  const address = `${location.pathname}?${query}`;
  if (address !== location.pathname + location.search) history.replaceState(null, "", address);
}).observe(document, { childList: true, subtree: true });
