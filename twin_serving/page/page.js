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
  source.querySelector("mark")?.scrollIntoView({ block: "nearest" });
});
