// What the theme leaves without a name, or with one that hides its text, for readers who listen.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".bd-sidebar summary").forEach((toggle) => {
    const link = toggle.closest("li")?.querySelector("a");
    toggle.setAttribute("aria-label", `Pages under ${link?.textContent.trim() ?? "this one"}`);
  });
  document
    .querySelectorAll("summary[aria-label='Toggle hidden content'], .search-button__button")
    .forEach((element) => {
      if (element.textContent.trim()) element.removeAttribute("aria-label"); // not an icon alone
    });
  // What scrolls by itself can be reached and scrolled by keyboard.
  document.querySelectorAll(".bd-article table, .bd-article .math").forEach((box) => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  });
});
