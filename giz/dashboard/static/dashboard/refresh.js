// Fetches parts of the page again while the page is looked at: each [data-address] every data-seconds seconds.
// What is unfolded stays unfolded, what is focused stays focused; a failed fetch says since when the figures are old.
// A part with data-version stands for the page around it: once its version is another one, the page is loaded again.
(() => {
  const FOCUSED = "a, summary, pre";
  const note = document.getElementById("fresh-note");

  const replace = (part, fresh) => {
    for (const open of part.querySelectorAll("details[open]")) {
      const same = fresh.querySelector(`[id="${open.id}"]`);
      if (same) same.open = true;
    }
    const focused = document.activeElement;
    const place = part.contains(focused) ? [...part.querySelectorAll(FOCUSED)].indexOf(focused) : -1;
    part.replaceChildren(...fresh.childNodes);
    if (place >= 0) part.querySelectorAll(FOCUSED)[place]?.focus({ preventScroll: true });
  };

  const refresh = async (part) => {
    if (document.hidden) return;
    try {
      const answer = await fetch(part.dataset.address, { headers: { Accept: "text/html" }, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(part.id) ?? page.body;
      if (part.dataset.version !== fresh.dataset.version) location.reload();
      else replace(part, fresh);
      note.textContent = "";
    } catch {
      note.textContent ||= `Last updated before ${new Date().toLocaleTimeString()}; retrying.`;
    }
  };

  for (const part of document.querySelectorAll("[data-address]")) {
    setInterval(() => refresh(part), 1000 * part.dataset.seconds);
    document.addEventListener("visibilitychange", () => refresh(part));
  }
})();
