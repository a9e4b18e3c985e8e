// Sets the theme before the first paint, so that nothing flashes. The rest of it lives in lib/theme.ts.
try {
  var choice = localStorage.getItem("moovolt.theme");
  var dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
} catch {
  // Without storage the light theme stays.
}
