// A worker that reads QR codes in pictures: `{id, image, thorough}` comes in, `{id, text}` goes out, with null where there is none.

import { decodeQR } from "../vendor/qr/decode.js";

/** Tries of a frame of the camera (the next one comes soon), and of a picture that was chosen; milliseconds that they may take. */
const HASTY = { effort: 2, timeLimit: 40 };
const THOROUGH = { effort: 16, timeLimit: 1_500 };

addEventListener("message", ({ data: { id, image, thorough } }) => {
  let text = null;
  try {
    text = decodeQR(image, thorough ? THOROUGH : HASTY);
  } catch {
    // Most frames have none.
  }
  postMessage({ id, text });
});
