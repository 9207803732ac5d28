// Copies the recovery codes; all else of these pages works without script.

const copy = document.getElementById("copy");

// Only where the page has a clipboard: without HTTPS browsers give none.
if (copy) copy.hidden = !navigator.clipboard;

copy?.addEventListener("click", async () => {
  const codes = [...document.querySelectorAll("#codes code")].map((code) => code.textContent);
  await navigator.clipboard.writeText(codes.join("\n"));
  copy.textContent = "✓";
  document.getElementById("copied").textContent = "✓";
});
