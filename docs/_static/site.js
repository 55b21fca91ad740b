(() => {
  // Pages opened from a disk may not read each other: the search then lists titles, without extracts.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  // Extracts in the list of search results are plain text: a formula there would be its source.
  if (typeof Search !== "undefined") {
    const plain = Search.htmlToText;
    Search.htmlToText = (...page) => plain(...page).replace(/\\\([^]*?\\\)|\\\[[^]*?\\\]/g, "…");
  }

  // What is wider than the page scrolls by itself; the keyboard reaches it.
  const wide = "pre, .table-wrapper, .table-container, div.math, mjx-container[display='true']";
  const mark = () => {
    for (const box of document.querySelectorAll(wide)) {
      const scrolls = box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible";
      if (scrolls) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  window.addEventListener("load", () => {
    // Two regions of one kind need names, to tell one from the other.
    document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "All pages");
    document.querySelector(".toc-drawer")?.setAttribute("aria-label", "This page");
    // The words of a fold say what it holds.
    for (const fold of document.querySelectorAll("summary[aria-label='Toggle hidden content']")) fold.removeAttribute("aria-label");
    mark();
    window.MathJax?.startup?.promise?.then(mark);
  });
  window.addEventListener("resize", mark);
})();
