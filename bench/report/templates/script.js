"use strict";
// Sorting: a click on a column's head, again for the other way. Numbers sort as numbers; data-v
// holds the value where a cell shows it rounded.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => {
      const cell = row.cells[column];
      const text = cell.dataset.v ?? cell.textContent.trim();
      const number = text === "inf" ? Infinity : Number(text);
      return text !== "" && !Number.isNaN(number) ? number : text;
    };
    const rows = [...table.tBodies[0].rows].map((row) => [value(row), row]);
    rows.sort(([a], [b]) => {
      const order = typeof a === typeof b
        ? (typeof a === "number" ? a - b : a.localeCompare(b))
        : (typeof a === "number" ? -1 : 1);
      return down ? -order : order;
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
  }));
}
// Finding: what does not hold every typed word is hidden, and so is a section without anything left.
for (const field of document.querySelectorAll("input[data-filters]")) {
  const entries = [...document.querySelectorAll(field.dataset.filters)].map((entry) => [
    entry, `${entry.dataset.words ?? ""} ${entry.textContent}`.toLowerCase(),
  ]);
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const [entry, text] of entries) {
      entry.hidden = !words.every((word) => text.includes(word));
      left += !entry.hidden;
    }
    for (const section of document.querySelectorAll("[data-section]")) {
      section.hidden = !section.querySelector(`${field.dataset.filters}:not([hidden])`);
    }
    field.parentElement.querySelector("output").value = words.length ? `${left} found` : "";
  };
  field.addEventListener("input", filter);
  field.closest("[hidden]")?.removeAttribute("hidden");
}
