// Reads QR codes by the camera, and in pictures that are chosen.

/** Sides of what is decoded, in pixels: of a frame, and of a picture. */
const FRAME_SIDE = 720;
const PICTURE_SIDES = [1600, 800, 400];
/** Pause between two frames, in milliseconds, so that a phone stays cool. */
const PAUSE_MS = 80;

/** Decodes off the thread that draws. */
class Decoder {
  constructor() {
    this.worker = new Worker(new URL("./reader.js", import.meta.url), { type: "module" });
    this.waiting = new Map();
    this.next = 1;
    this.worker.addEventListener("message", ({ data: { id, text } }) => {
      this.waiting.get(id)?.(text);
      this.waiting.delete(id);
    });
  }

  /** The text of a code in an `ImageData`, or null. */
  decode(image, thorough) {
    const id = this.next++;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      const { width, height, data } = image;
      this.worker.postMessage({ id, thorough, image: { width, height, data } }, [data.buffer]);
    });
  }
}

const decoder = new Decoder();
const canvas = document.createElement("canvas");

function pixels(source, [x, y, width, height], scale) {
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  // What is transparent in a picture is paper.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, x, y, width, height, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** The text of a code in a picture (a file), or null. */
export async function readPicture(file) {
  const bitmap = await createImageBitmap(file);
  try {
    const { width, height } = bitmap;
    for (const side of PICTURE_SIDES) {
      const scale = Math.min(1, side / Math.max(width, height));
      const text = await decoder.decode(pixels(bitmap, [0, 0, width, height], scale), true);
      if (text !== null) return text;
    }
    return null;
  } finally {
    bitmap.close();
  }
}

/**
 * A camera that shows what it sees in a `<video>`, and calls `read(text)` for each frame: null where it has no code. `ended()` is called
 * where the phone takes the camera away.
 */
export class Camera {
  constructor(video, read, ended = () => {}) {
    Object.assign(this, { video, read, ended, stream: null, turn: 0 });
  }

  /** Begins. Throws what `getUserMedia` does. */
  async start() {
    if (this.stream) return;
    if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("no camera", "NotFoundError");
    const turn = ++this.turn;
    const wanted = { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    if (turn !== this.turn) {
      // It was stopped while the question was on the screen.
      stream.getTracks().forEach((track) => track.stop());
      return;
    }
    this.stream = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      if (turn !== this.turn) return;
      this.stop();
      this.ended();
    });
    this.video.srcObject = stream;
    await this.video.play().catch(() => {});
    this.#look(turn);
  }

  /** Stops, and frees the camera. */
  stop() {
    this.turn += 1;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }

  /** Whether the camera has a lamp. */
  hasLamp() {
    return Boolean(this.stream?.getVideoTracks()[0]?.getCapabilities?.().torch);
  }

  /** Turns the lamp on or off. */
  async setLamp(isOn) {
    await this.stream?.getVideoTracks()[0]?.applyConstraints({ advanced: [{ torch: isOn }] });
  }

  async #look(turn) {
    while (turn === this.turn) {
      const { videoWidth: width, videoHeight: height } = this.video;
      if (width > 0 && !document.hidden) {
        // The square that the page shows, so that what one sees is what is read.
        const side = Math.min(width, height);
        const square = [(width - side) / 2, (height - side) / 2, side, side];
        const text = await decoder.decode(pixels(this.video, square, Math.min(1, FRAME_SIDE / side)), false);
        if (turn === this.turn) this.read(text);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
