"use strict";
// The page does without: this lets arrow keys walk the table, unfolds what a link leads to, and
// unfolds everything for the printer.
(() => {
  const table = document.getElementById("matrix-table");
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  table?.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    const cell = event.target.closest("td, th");
    if (!step || !cell) return;
    let row = cell.parentElement;
    for (let n = Math.abs(step[0]); row && n > 0; n -= 1)
      row = step[0] > 0 ? row.nextElementSibling : row.previousElementSibling;
    const link = row?.children[cell.cellIndex + step[1]]?.querySelector("a");
    if (!link) return;
    event.preventDefault();
    link.focus();
  });
  const unfold = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  if (location.hash) unfold();
  addEventListener("beforeprint", () => {
    for (const it of document.querySelectorAll("details:not([open])")) {
      it.open = true;
      it.dataset.folded = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const it of document.querySelectorAll("details[data-folded]")) {
      it.open = false;
      delete it.dataset.folded;
    }
  });
})();
