// Fetches parts of the page again while the page is looked at: each [data-address] every data-seconds seconds.
// What is unfolded stays unfolded, what is focused stays focused; a failed fetch says since when the figures are old.
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
      replace(part, page.getElementById(part.id) ?? page.body);
      note.textContent = "";
    } catch {
      note.textContent ||= `Not fresh since ${new Date().toLocaleTimeString()}; trying again.`;
    }
  };

  for (const part of document.querySelectorAll("[data-address]")) {
    setInterval(() => refresh(part), 1000 * part.dataset.seconds);
    document.addEventListener("visibilitychange", () => refresh(part));
  }
})();
