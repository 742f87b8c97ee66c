// Before the first paint: the theme that was chosen on this device (nothing chosen = the system's).
(function () {
  try {
    var theme = JSON.parse(localStorage.getItem("giz-preferences") || "{}").theme;
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // A browser that forbids storage keeps the system's theme.
  }
})();
