// Makes itself heard and seen outside the page: two tones, and a notice on the desktop.

import * as format from "../reads/format.js";
import { filled } from "../base/words.js";

const QUIET_MS = 1500;
const TONES = [[880, 0], [1320, 0.16]]; // Hz, and when
let audio = null;
let rangAt = -Infinity;

// Browsers play nothing before the viewer has touched the page: call it from a click or a key.
export function wake() {
  audio ??= new AudioContext();
  return audio.resume();
}

export const isAwake = () => audio?.state === "running";

export function ring() {
  const now = performance.now();
  if (!isAwake() || now - rangAt < QUIET_MS) return;
  rangAt = now;
  for (const [pitch, after] of TONES) tone(pitch, audio.currentTime + after);
}

function tone(pitch, start) {
  const oscillator = audio.createOscillator();
  const loudness = audio.createGain();
  oscillator.frequency.value = pitch;
  loudness.gain.setValueAtTime(0, start);
  loudness.gain.linearRampToValueAtTime(0.25, start + 0.02);
  loudness.gain.exponentialRampToValueAtTime(0.001, start + 0.35);
  oscillator.connect(loudness).connect(audio.destination);
  oscillator.start(start);
  oscillator.stop(start + 0.4);
}

// "granted", "denied", "default" (not asked yet), or "insecure": browsers allow it over HTTPS only.
export function permission() {
  if (!globalThis.Notification || !isSecureContext) return "insecure";
  return Notification.permission;
}

export async function askPermission() {
  if (permission() === "default") await Notification.requestPermission();
  return permission();
}

export function notify(event, onOpen) {
  if (permission() !== "granted") return;
  const title = filled(gettext("Watched plate %(plate)s"), { plate: event.plate });
  const body = `${format.place(event)}, ${format.shortTime(event.captured_at)}`;
  try {
    // The tag: several tabs make one notice.
    const notice = new Notification(title, { body, tag: `read-${event.id}`, icon: event.crop_url || undefined });
    notice.onclick = () => {
      window.focus();
      notice.close();
      onOpen(event);
    };
  } catch {
    // Some phones allow notices to service workers only; the page itself still shows the read.
  }
}
