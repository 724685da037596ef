"use strict";
// Draws every chart of the page in the colours of the reader's scheme. A text that starts with "--" names a CSS variable.
(function () {
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 40rem)");
  const finger = window.matchMedia("(pointer: coarse)");

  function coloured(value, style) {
    if (typeof value === "string") {
      return value.startsWith("--") ? style.getPropertyValue(value).trim() : value;
    }
    if (Array.isArray(value)) {
      return typeof value[0] === "object" ? value.map((part) => coloured(part, style)) : value;
    }
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, coloured(part, style)]));
    }
    return value;
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    for (const script of document.querySelectorAll("script[data-chart]")) {
      const figure = coloured(JSON.parse(script.textContent), style);
      if (narrow.matches) figure.layout.height += 19 * figure.data.length; // the legend is a column there
      figure.layout.dragmode = finger.matches ? false : "zoom"; // a finger on a chart scrolls the page
      const settings = { responsive: true, displaylogo: false, displayModeBar: false };
      Plotly.react(script.dataset.chart, figure.data, figure.layout, settings);
    }
  }

  scheme.addEventListener("change", draw);
  draw();
})();
