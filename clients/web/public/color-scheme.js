// Sets the colours before the first paint, so that a dark page does not flash white.
(function () {
  var chosen = "auto";
  try {
    chosen = localStorage.getItem("drumbeat-color-scheme") || "auto";
  } catch {
    // Storage can be forbidden; the system's choice then counts.
  }
  var dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
