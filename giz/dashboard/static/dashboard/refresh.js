// Fetches the jobs' part of the page again every five seconds while the page is looked at.
// What is unfolded stays unfolded; a failed fetch says since when the figures are old.
(() => {
  const place = document.getElementById("jobs");
  const note = document.getElementById("jobs-note");
  if (!place) return;
  const every = 5000;

  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(place.dataset.address, { headers: { Accept: "text/html" }, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      for (const open of place.querySelectorAll("details[open]")) {
        const same = fresh.querySelector(`[id="${open.id}"]`);
        if (same) same.open = true;
      }
      const focused = document.activeElement && place.contains(document.activeElement) ? document.activeElement.id : "";
      place.replaceChildren(...fresh.childNodes);
      if (focused) document.getElementById(focused)?.focus();
      note.textContent = "";
    } catch {
      note.textContent ||= `Not fresh since ${new Date().toLocaleTimeString()}; trying again.`;
    }
  };
  setInterval(refresh, every);
  document.addEventListener("visibilitychange", refresh);
})();
