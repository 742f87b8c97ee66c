// The queue of candidates, worked from the keyboard: A accepts, X refuses, U takes the last decision back.
(() => {
  const root = document.querySelector(".candidates");
  const cards = [...root.querySelectorAll(".candidate")];
  const status = document.getElementById("candidates-status");
  const count = document.getElementById("accepted-count");
  const publish = root.querySelector('button[value="publish"]');
  const token = root.querySelector('input[name="csrfmiddlewaretoken"]').value;
  const decided = [];

  const say = (text, isBad = false) => {
    status.textContent = text;
    status.classList.toggle("bad", isBad);
  };
  const show = (card, decision) => {
    card.classList.remove("accepted", "refused");
    if (decision !== "undo") card.classList.add(decision);
    for (const button of card.querySelectorAll("[data-decision]"))
      button.hidden = (button.dataset.decision === "undo") === (decision === "undo");
  };
  const isOpen = (card) => !card.matches(".accepted, .refused");
  const goOn = (card) => {
    const after = cards.slice(cards.indexOf(card) + 1).find(isOpen) || cards.find(isOpen);
    if (after) after.focus();
    else say("All of these are decided. Reload the page for the next ones.");
  };

  async function decide(card, decision) {
    if (card.dataset.busy) return;
    card.dataset.busy = "1";
    try {
      const body = new URLSearchParams({ pgc: card.dataset.pgc, decision });
      const answer = await fetch(root.dataset.decide, { method: "POST", body, headers: { "X-CSRFToken": token } });
      const told = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(told.detail || "The server did not accept this; nothing was changed.");
      show(card, decision);
      count.textContent = told.accepted;
      publish.disabled = !told.accepted;
      if (decision === "undo") {
        decided.splice(decided.indexOf(card), 1);
        say(`${card.dataset.name} is open again.`);
        card.focus();
      } else {
        decided.push(card);
        say(`${card.dataset.name} ${decision}. Press U to undo.`);
        goOn(card);
      }
    } catch (error) {
      say(error instanceof TypeError ? "The server can't be reached; nothing was changed." : error.message, true);
    } finally {
      delete card.dataset.busy;
    }
  }

  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-decision]");
    if (button) decide(button.closest(".candidate"), button.dataset.decision);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    const here = document.activeElement.closest(".candidate");
    const place = cards.indexOf(here);
    const act = {
      a: () => here && publish && isOpen(here) && decide(here, "accepted"),
      x: () => here && publish && isOpen(here) && decide(here, "refused"),
      u: () => decided.length && decide(decided.at(-1), "undo"),
      arrowright: () => cards[Math.min(place + 1, cards.length - 1)]?.focus(),
      arrowleft: () => cards[Math.max(place - 1, 0)]?.focus(),
    }[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
  cards[0]?.focus({ preventScroll: true });
})();
