// A button of the authors' table may be gone once it has done its work. The focus goes to the row
// that it stood in then, not back to the top of the page.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("#twin-indexes-table button[data-act]");
  if (!button) return;
  const table = button.closest("#twin-indexes-table");
  const { author } = button.dataset;
  const row = author ? `[data-author="${CSS.escape(author)}"]` : "";
  const observer = new MutationObserver(() => {
    if (document.activeElement !== document.body) return;
    observer.disconnect();
    table.querySelector(`[data-act="open"]${row}`)?.focus();
  });
  observer.observe(table, { attributes: true, childList: true, subtree: true });
  setTimeout(() => observer.disconnect(), 10_000);
});
