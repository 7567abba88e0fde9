// What is said to those who look and to those who listen, when something has been done.

const live = document.getElementById("live");
let waiting = null;
let ending = 0;

/// Has a text read out.
export function tell(text) {
  live.textContent = "";
  // A moment later, for the same text twice is no change.
  setTimeout(() => { live.textContent = text; }, 50);
  clearTimeout(ending);
  ending = setTimeout(() => { live.textContent = ""; }, 5000);
}

/// Has a text shown by the next view.
export function flashNext(text) {
  waiting = text;
}

export function flash() {
  const text = waiting;
  waiting = null;
  return text;
}
