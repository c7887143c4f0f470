
"use strict";
const body = document.querySelector("tbody"), heads = [...document.querySelectorAll("th")];
const order = new Intl.Collator("en", { numeric: true }).compare;

heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
  const isUp = head.getAttribute("aria-sort") !== "ascending";
  heads.forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
  const key = (row) => row.cells[column].dataset.key;
  const rows = [...body.rows].sort((a, b) => (isUp ? 1 : -1) * order(key(a), key(b)));
  body.append(...rows);
}));

document.getElementById("filter").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/);
  for (const row of body.rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
});
