// The map of the corpus: the chunk under the pointer, or the one that the arrow keys came to, is
// ringed and named below the map.
{
  const centre = (point) => {
    const box = point.getBBox();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };

  const goTo = (map, point) => {
    map.querySelector(".here")?.classList.remove("here");
    point.classList.add("here");
    map.parentElement.querySelector(".at").textContent = point.querySelector("title").textContent;
  };

  // The nearest in the direction; what lies aside counts for twice as far.
  const next = (map, [dx, dy]) => {
    const points = [...map.querySelectorAll("g > *")];
    const here = map.querySelector(".here");
    if (!here) return points[0];
    const [x, y] = centre(here);
    let best = here;
    let shortest = Infinity;
    for (const point of points) {
      const [px, py] = centre(point);
      const ahead = (px - x) * dx + (py - y) * dy;
      const aside = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
      if (ahead > 0 && ahead + 2 * aside < shortest) {
        best = point;
        shortest = ahead + 2 * aside;
      }
    }
    return best;
  };

  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  document.addEventListener("pointerover", (event) => {
    const point = event.target.closest?.(".map svg g > *");
    if (point) goTo(point.closest("svg"), point);
  });

  document.addEventListener("keydown", (event) => {
    const map = event.target.closest?.(".map svg");
    if (!map || !(event.key in ways)) return;
    event.preventDefault();
    const point = next(map, ways[event.key]);
    if (point) goTo(map, point);
  });
}
