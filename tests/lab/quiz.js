// The blind test, worked from the keyboard: ← or R is real, → or S is synthetic. Nothing here knows which it is.
(() => {
  const root = document.querySelector(".quiz");
  const at = (id) => document.getElementById(`quiz-${id}`);
  const token = root.querySelector('input[name="csrfmiddlewaretoken"]').value;
  const buttons = [...root.querySelectorAll("[data-said]")];
  const picture = at("picture");
  let answered = Number(root.dataset.answered);
  let trial = null;
  let isBusy = false;

  const say = (text) => {
    at("status").textContent = text;
  };
  const enable = (isOn) => {
    for (const button of buttons) button.disabled = !isOn;
  };

  async function post(address, values) {
    const answer = await fetch(address, { method: "POST", body: new URLSearchParams(values), headers: { "X-CSRFToken": token } });
    const told = await answer.json().catch(() => ({}));
    // Another window has answered this one, or an answer was lost on its way back: go on from what is true.
    if (told.code === "answered") window.location.reload();
    if (!answer.ok) throw new Error(told.detail || "The server did not accept this. Reload the page.");
    return told;
  }

  // The picture is judged once it can be seen, so answers wait until it is decoded.
  async function show(next) {
    if (!next.trial) {
      window.location.reload();
      return;
    }
    picture.classList.add("waiting");
    picture.src = next.picture;
    await picture.decode().catch(() => {
      throw new Error("The picture could not be loaded. Reload the page.");
    });
    trial = next.trial;
    at("count").textContent = answered + 1;
    picture.classList.remove("waiting");
    enable(true);
  }

  async function ask(address, values) {
    if (isBusy) return;
    isBusy = true;
    enable(false);
    try {
      const next = await post(address, values);
      say("");
      if (values.said) answered += 1;
      at("start").hidden = true;
      at("results").hidden = true;
      at("stage").hidden = false;
      await show(next);
    } catch (error) {
      say(error instanceof TypeError ? "The server can't be reached. Try again." : error.message);
      enable(trial !== null);
    } finally {
      isBusy = false;
    }
  }

  const begin = () => ask(root.dataset.next, {});
  const answer = (said) => trial && ask(root.dataset.answer, { trial, said });

  at("begin").addEventListener("click", begin);
  for (const button of buttons) button.addEventListener("click", () => answer(button.dataset.said));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest("input, textarea, select, a")) return;
    const isOpen = !at("stage").hidden;
    const act = isOpen
      ? { arrowleft: "real", r: "real", arrowright: "synthetic", s: "synthetic" }[event.key.toLowerCase()]
      : event.key === "Enter" && !event.target.closest("button") && "begin";
    if (!act) return;
    event.preventDefault();
    if (act === "begin") begin();
    else answer(act);
  });
  enable(false);
  if (answered) begin();
})();
