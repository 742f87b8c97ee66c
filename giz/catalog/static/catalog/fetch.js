// The frame of the staff pages is drawn by a script, under which the browser at times forgets the field's autofocus.
window.addEventListener("load", () => {
  if (document.activeElement === document.body) document.querySelector("form.fetch textarea").focus();
});
