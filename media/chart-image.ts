/// <reference lib="dom" />

/** Sharp on screens of today, and in print. */
const SCALE = 2;

/**
 * Draws an SVG as an image.
 * @param svg a document of its own: what it refers to elsewhere is not loaded
 * @param width CSS pixels, as is the height; the image has twice as many
 * @returns the base64 of a PNG file
 */
export async function pngOf(svg: string, width: number, height: number): Promise<string> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * SCALE);
  canvas.height = Math.ceil(height * SCALE);
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png").replace(/^data:[^,]*,/, "");
}
