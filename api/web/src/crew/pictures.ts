const LONGEST = 1600;
const MOST_BYTES = 900_000;

/** The photograph as it is sent: upright, at most 1600 pixels long, without what the camera wrote beside it. */
export async function reduced(file: Blob): Promise<Blob> {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  try {
    for (let longest = LONGEST; longest >= 400; longest *= 0.75) {
      const made = await drawn(picture, longest);
      if (made.size <= MOST_BYTES) return made;
    }
  } finally {
    picture.close();
  }
  throw new Error("The photograph cannot be made small enough.");
}

async function drawn(picture: ImageBitmap, longest: number): Promise<Blob> {
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser cannot draw.");
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return content(canvas, "image/jpeg", 0.82);
}

/** What is drawn on a canvas, as a file. */
export function content(canvas: HTMLCanvasElement, type: string, quality?: number): Promise<Blob> {
  return new Promise((done, failed) => {
    canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("Nothing was drawn."))), type, quality);
  });
}
