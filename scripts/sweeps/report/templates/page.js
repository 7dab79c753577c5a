"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  document.documentElement.classList.add("js");

  const keyOf = (row, column) => {
    const cell = row.cells[column];
    return cell ? (cell.dataset.key ?? cell.textContent.trim()) : "";
  };
  const numberOf = (text) => {
    const found = /^[<>]?\s*([-−+]?(?:\d+\.?\d*|\.\d+)(?:e[-−+]?\d+)?)/i.exec(text);
    return found ? Number(found[1].replaceAll("−", "-")) : NaN;
  };
  const compare = (one, other) => {
    const a = numberOf(one), b = numberOf(other);
    if (!Number.isNaN(a) && !Number.isNaN(b)) return a - b;
    return one.localeCompare(other, undefined, { numeric: true });
  };
  const empty = (text) => text === "" || text === "–";

  for (const table of all("table.sortable")) {
    const body = table.tBodies[0];
    const headings = all("thead th", table);
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      heading.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const down = heading.getAttribute("aria-sort") === "ascending";
        for (const other of headings) other.setAttribute("aria-sort", "none");
        heading.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].map((row) => [keyOf(row, column), row]);
        rows.sort(([one], [other]) => {
          if (empty(one) || empty(other)) return Number(empty(one)) - Number(empty(other));
          return (down ? -1 : 1) * compare(one, other);
        });
        body.append(...rows.map(([, row]) => row));
      });
    });
  }

  for (const input of all("input[data-table]")) {
    const rows = [...document.getElementById(input.dataset.table).tBodies[0].rows];
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
  }

  const name = document.getElementById("parameter-filter");
  const action = document.getElementById("action-filter");
  const show = () => {
    let shown = 0;
    for (const item of all("article.parameter")) {
      const wanted = item.dataset.name.toLowerCase().includes(name.value.toLowerCase())
        && (!action.value || item.dataset.actions.split(" ").includes(action.value));
      item.hidden = !wanted;
      shown += Number(wanted);
    }
    document.getElementById("no-parameter").hidden = shown > 0;
  };
  name.addEventListener("input", show);
  action.addEventListener("change", show);

  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let item = target; item; item = item.parentElement) {
      if (item.tagName === "DETAILS") item.open = true;
      item.hidden = false;
    }
  };
  addEventListener("hashchange", reveal);
  reveal();

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open]):not(.bulk)").filter((item) => !item.closest("details.bulk"));
    for (const item of opened) item.open = true;
  });
  addEventListener("afterprint", () => {
    for (const item of opened) item.open = false;
  });
})();
