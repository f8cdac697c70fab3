// Sounds, and the phone's buzz: who looks at the queue hears what the screen says.

let audio = null;

/** Browsers let a page be heard once it was touched. */
export function allowSound() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
}

/** `[hertz, seconds]`, one after the other. */
function play(tones, shape) {
  if (!audio || audio.state !== "running") return;
  let at = audio.currentTime;
  for (const [hertz, seconds] of tones) {
    const [tone, gain] = [audio.createOscillator(), audio.createGain()];
    tone.type = shape;
    tone.frequency.value = hertz;
    gain.gain.setValueAtTime(0.0001, at);
    gain.gain.exponentialRampToValueAtTime(0.4, at + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
    tone.connect(gain).connect(audio.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds;
  }
}

/** The phone's buzz, where it has one; browsers complain of a page that buzzes before it was touched. */
function buzz(pattern) {
  if (navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(pattern);
}

/** Two tones up: somebody may pass. */
export function good() {
  play([[880, 0.12], [1320, 0.18]], "sine");
  buzz(80);
}

/** Two low ones: nobody may. */
export function bad() {
  play([[220, 0.25], [160, 0.4]], "square");
  buzz([200, 100, 200]);
}
