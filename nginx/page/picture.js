// A picture from somebody's disk as the service takes it: of a kind that it knows, and small enough.

/// What can be chosen. An SVG becomes a picture of dots, for the service takes no documents that could hold a script.
export const kinds = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/svg+xml"];
/// Bytes.
const most = 1_048_576;
/// The longest side, in dots, of a picture that is made smaller; one is shown at less than 100.
const longest = 1024;

/// The picture as it can be sent, or null when the browser can make nothing of it.
export async function fitting(file) {
  if (file.type !== "image/svg+xml" && file.size <= most) return file;
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const [width, height] = [image.naturalWidth || longest, image.naturalHeight || longest];
    const isDrawing = file.type === "image/svg+xml";
    for (let side = longest; side >= 64; side /= 2) {
      const scale = isDrawing ? side / 2 / Math.max(width, height) : Math.min(1, side / Math.max(width, height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(width * scale));
      canvas.height = Math.max(1, Math.round(height * scale));
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      const made = await new Promise((done) => canvas.toBlob(done, isDrawing ? "image/png" : "image/webp", 0.85));
      if (made && made.size <= most) return new File([made], file.name.replace(/\.[^.]*$/, "") + `.${made.type.slice(6)}`, { type: made.type });
    }
    return null;
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/// The bytes of a file in Base64.
export function base64(file) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => done(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => fail(reader.error));
    reader.readAsDataURL(file);
  });
}
