// A button may be gone, or rest, once it is pressed. The focus goes to where its work is seen then,
// not back to the top of the page.
{
  const one = (selector) => document.querySelector(selector);

  const rowOf = (button) => {
    const { author } = button.dataset;
    const row = author ? `[data-author="${CSS.escape(author)}"]` : "";
    return one(`#twin-indexes-table [data-act="open"]${row}`);
  };

  const places = {
    "#twin-indexes-table button[data-act]": rowOf,
    "#twin-feedback-send": () => one('#twin-actions [aria-pressed="true"]'),
    '[data-act="new"], #twin-add-progress [data-act]': () => one("#twin-question textarea"),
    "#twin-send, #twin-stop, :is(#twin-answer, #twin-actions) [data-act]": () => one("#twin-answer"),
    "#twin-compare-send": () => one("#twin-compare-result"),
  };

  const goTo = (place) => {
    if (place && place.tabIndex < 0) place.tabIndex = -1; // else it takes no focus at all
    place?.focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    const selector = button && Object.keys(places).find((selector) => button.matches(selector));
    if (!selector) return;
    const watch = setInterval(() => {
      if (document.activeElement === button) return;
      if (document.activeElement === document.body) goTo(places[selector](button));
      clearInterval(watch);
    }, 50);
    setTimeout(() => clearInterval(watch), 10_000);
  });
}
